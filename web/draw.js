// Elements. Whatever is shown goes through `textContent`, and what comes from calls or the plant through `plain` before: it may hold
// anything. The page's policy (Trusted Types) forbids every other way.
const SVG = "http://www.w3.org/2000/svg";

// What moves a cursor, hides, or turns letters round is shown as what it is: the same that the gateway refuses in a reason.
const MISLEADING = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
export const plain = (text) => String(text ?? "").replace(MISLEADING, (one) =>
  one === "\n" ? "\n" : `\\u{${one.codePointAt(0).toString(16)}}`);

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// An element with attributes (`onclick` listens) and children: elements, or texts of our own.
export const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

// What may be wider than the page, and is reached by the keyboard too.
export const scroller = (label, ...children) => h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, ...children);

// A text that is not ours, in its own direction.
export const foreign = (text, kind) => {
  const element = document.createElement("bdi");
  if (kind) element.className = kind;
  element.textContent = plain(text);
  return element;
};

// Writes a text only where it differs, so that nothing that reads the page aloud begins anew each second.
export const write = (element, text) => {
  const shown = plain(text);
  if (element.textContent !== shown) element.textContent = shown;
  return element;
};

export const mark = (element, name, on) => element.classList.toggle(name, Boolean(on));
export const clear = (element, ...children) => { element.replaceChildren(...children.flat().filter(Boolean)); return element; };

// Keeps the children of an element in step with items: made once for each key, changed when the item does, gone when it is.
export const keyed = (parent, key, make) => {
  const known = new Map();
  return (items) => {
    const wanted = new Set();
    let before = null;
    for (const item of items) {
      const id = key(item);
      wanted.add(id);
      if (!known.has(id)) known.set(id, make(item));
      const { element, show } = known.get(id);
      show?.(item);
      const place = before ? before.nextSibling : parent.firstChild;
      if (place !== element) parent.insertBefore(element, place);
      before = element;
    }
    for (const [id, { element }] of known) if (!wanted.has(id)) { element.remove(); known.delete(id); }
  };
};

// Hands the person a file.
export const keep = (name, type, content) => {
  const url = URL.createObjectURL(new Blob([content], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
};

// A shape for each priority, so that none is told by colour alone.
export const sign = (level) => {
  const shapes = {
    alarm: svg("path", { d: "M8 1 15 15H1Z" }),
    warning: svg("path", { d: "M8 1 15 8 8 15 1 8Z" }),
    note: svg("circle", { cx: 8, cy: 8, r: 6 }),
  };
  return svg("svg", { class: `sign ${level}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, shapes[level]);
};
