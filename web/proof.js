// Proves a record in the browser, with its own SHA-256 and Ed25519: that the bytes which this page shows are a leaf of the tree whose
// root a key has signed. Nothing here asks the gateway anything. Formats: RFC 6962 and 9162, C2SP signed-note and tlog-checkpoint.
const LIMIT = 64 << 10;

// What does not hold, by the name of a text of ours.
export class Broken extends Error {
  constructor(step, why) { super(why); this.step = step; }
}
const need = (holds, step, why) => { if (!holds) throw new Broken(step, why); };

const utf8 = (text) => new TextEncoder().encode(text);
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((byte, at) => byte === other[at]);
const glue = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const unbase64 = (text, step) => {
  need(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text), step, "base64");
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
};
const number = (text) => /^(?:0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : NaN;

export const leafHash = (bytes) => sha256(glue([0], bytes));

// Whether this browser can prove anything: with a vector of RFC 8032 (7.1, test 2), good and spoilt.
export const able = async () => {
  const bytes = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
  try {
    const key = await crypto.subtle.importKey("raw", bytes("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"), "Ed25519", false, ["verify"]);
    const signature = bytes("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
    const [good, bad] = await Promise.all([0x72, 0x73].map((byte) => crypto.subtle.verify("Ed25519", key, signature, Uint8Array.of(byte))));
    return good === true && bad === false;
  } catch { return false; }
};

// A key as it is written: NAME+ID+BASE64, the first of a file of keys.
export const readKey = async (text) => {
  need(text.length < LIMIT, "key", "long");
  const line = text.split("\n").map((one) => one.trim()).find((one) => one && !one.startsWith("#")) ?? "";
  const [, name, id, encoded] = /^(?:log\s+)?([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(line) ?? [];
  need(encoded, "key", "form");
  const raw = unbase64(encoded, "key");
  need(raw.length === 33 && raw[0] === 1, "key", "kind");
  need(hex((await sha256(glue(utf8(`${name}\n`), raw))).slice(0, 4)) === id, "key", "name");
  return { name, id, text: `${name}+${id}+${encoded}`, print: hex(await sha256(raw.slice(1))),
    key: await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]) };
};

// The head in a note that the key has signed.
const readHead = async (note, trusted) => {
  const cut = note.lastIndexOf("\n\n") + 1, text = note.slice(0, cut), tail = note.slice(cut + 1);
  need(note.length < LIMIT && cut > 0 && tail.endsWith("\n"), "head", "form");
  const [origin, size, root, ...rest] = text.split("\n");
  const head = { origin, size: number(size), root: unbase64(root ?? "", "head") };
  need(rest.length === 1 && head.size > 0 && head.root.length === 32 && origin === trusted.name, "head", "form");
  let signed = false;
  for (const line of tail.slice(0, -1).split("\n")) {
    const [, name, encoded] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) ?? [];
    need(encoded, "head", "form");
    const signature = unbase64(encoded, "head");
    if (name !== trusted.name || hex(signature.slice(0, 4)) !== trusted.id) continue;
    signed = await crypto.subtle.verify("Ed25519", trusted.key, signature.slice(4), utf8(text));
    need(signed, "signature", "bad");
  }
  need(signed, "signature", "none");
  return head;
};

// The root over `size` leaves that a path leads to from one of them (RFC 9162, 2.1.3.2).
const climb = async (leaf, index, size, path) => {
  let node = index, last = size - 1, hash = leaf;
  need(index < size && path.length < 64, "path", "beyond");
  const half = (value) => Math.floor(value / 2);
  for (const sibling of path) {
    need(last > 0 && sibling.length === 32, "path", "long");
    const left = node % 2 === 1 || node === last;
    hash = await sha256(left ? glue([1], sibling, hash) : glue([1], hash, sibling));
    while (left && node % 2 === 0 && node > 0) [node, last] = [half(node), half(last)];
    [node, last] = [half(node), half(last)];
  }
  need(last === 0, "path", "short");
  return hash;
};

// Proves that a text is record `seq`. Gives the head, the leaf and the key; throws what is broken.
export const prove = async (text, seq, proof, own) => {
  const trusted = await readKey(own || proof.key);
  const head = await readHead(proof.checkpoint, trusted);
  need(proof.seq === seq, "place", "other");
  const leaf = await leafHash(utf8(text));
  const root = await climb(leaf, seq, head.size, proof.path.map((hash) => unbase64(hash, "path")));
  need(same(root, head.root), "record", "other");
  let said = null;
  try { said = JSON.parse(text); } catch { /* the next line says so */ }
  need(said?.seq === seq, "place", "says");
  // Records are in canonical form (RFC 8785). Of what is not, readers may make different things: of a key that stands twice, of a number
  // beyond 2^53.
  need(JSON.stringify(said) === text, "form", "canonical");
  return { head: { ...head, root: hex(head.root) }, leaf: hex(leaf), key: trusted, own: Boolean(own) };
};
