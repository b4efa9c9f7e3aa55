// What a page shows stands in its address, so that it can be kept, sent and gone back to.

// What is asked for under these names, empty where nothing is.
export const askedFor = (...names) => {
  const query = new URLSearchParams(location.hash.split("?")[1] ?? "");
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? ""]));
};

// What is not given does not stand in an address.
export const queryOf = (wanted) => new URLSearchParams(Object.entries(wanted).filter(([, value]) => value !== "" && value !== undefined && value !== null));

export const addressOf = (page, wanted) => `#/${page}?${queryOf(wanted)}`;
