// The zone and conduit record of IEC 62443-3-2 (ZCR 6.4) as a table: what the plant file knows of it. What it does not know, such as physical
// boundaries, has a column for people to fill in.
const HEADS = ["kind", "name", "title", "accountable organisation", "Purdue level", "criticality", "logical boundary", "physical boundary", "safety designation",
  "logical access points", "physical access points", "data flows", "connected zones and conduits", "assets", "SL-T (IAC UC SI DC RDF TRE RA)",
  "data allowed out, up to", "tools allowed in", "approved by", "approved", "expires", "policies", "assumptions and external dependencies"];

// A spreadsheet takes what begins like this for a formula.
const cell = (value) => {
  const text = String(value ?? "");
  return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll("\"", "\"\"")}"`;
};

const zone = (one, map) => {
  const inside = (list) => list.filter((other) => other.zone === one.name).map((other) => other.name);
  const providers = inside(map.providers);
  const joined = map.conduits.filter((conduit) => conduit.from.includes(one.name) || providers.includes(conduit.to)).map((conduit) => conduit.name);
  return { kind: "zone", name: one.name, title: one.title, "accountable organisation": one.owner, "Purdue level": one.level, criticality: one.criticality,
    "logical boundary": one.external ? "outside of the plant" : one.networks.join(" "),
    "logical access points": joined.length > 0 ? "the gateway" : "none for AI", "connected zones and conduits": joined.join(" "),
    assets: [...inside(map.workloads), ...providers].join(" "), "SL-T (IAC UC SI DC RDF TRE RA)": one.target.join(" ") };
};

const conduit = (one, map) => {
  const provider = map.providers.find((other) => other.name === one.to);
  const all = map.workloads.filter((workload) => one.from.includes(workload.zone)).map((workload) => workload.name);
  return { kind: "conduit", name: one.name, "accountable organisation": one.owner, "logical access points": "the gateway",
    "data flows": `calls for ${one.purposes.join(" ")} to models ${one.models.join(" ")}; answers come back, nothing else comes in`,
    "connected zones and conduits": [...one.from, provider?.zone ?? ""].join(" "), assets: [...one.workloads.length > 0 ? one.workloads : all, one.to].join(" "),
    "data allowed out, up to": one.ceiling, "tools allowed in": one.tools === null ? "any" : one.tools.join(" "),
    "approved by": one.approved_by, approved: one.approved, expires: one.expires,
    "assumptions and external dependencies": [provider?.supplier, ...provider?.sub_processors ?? []].filter(Boolean).join("; ") };
};

// A path that nobody declared, as it was seen within a day: it belongs into the register as a finding, or out of the plant.
const astray = (one) => ({ kind: "undeclared path", name: `${one.caller} to ${one.provider ?? "unknown"}`, "logical access points": "the gateway",
  "data flows": one.reason === null ? `${one.calls} calls went on, the last at ${one.last}` : `${one.refused} calls refused as ${one.reason}, the last at ${one.last}`,
  "connected zones and conduits": [one.zone, one.conduit].filter(Boolean).join(" "), assets: [one.caller, one.provider].filter(Boolean).join(" ") });

// As CSV (RFC 4180), with what programs take for UTF-8 in front.
export const register = (map, strays = []) => {
  const rows = [...map.zones.map((one) => zone(one, map)), ...map.conduits.map((one) => conduit(one, map)), ...strays.map(astray)];
  const line = (values) => `${values.map(cell).join(",")}\r\n`;
  return `\ufeff${line(HEADS)}${rows.map((row) => line(HEADS.map((head) => row[head]))).join("")}`;
};
