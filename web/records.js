// Records: what the ledger says, searched and paged, one of them with what belongs to it, proved here and opened on request.
import { addressOf, askedFor, queryOf } from "./address.js";
import { clear, foreign, h, mark, scroller, sign, write } from "./draw.js";
import { bytes, count, fromLocal, moment, stamp, toLocal } from "./format.js";
import { able, Broken, prove } from "./proof.js";
import { get, Problem, send } from "./server.js";
import { may } from "./session.js";
import { t, told } from "./texts.js";

const KINDS = ["intent", "outcome", "refuse", "abandon", "hold", "oversight", "isolate", "alert", "admin", "config", "read", "erase", "export", "event",
  "switch", "approval", "drill", "boot", "genesis", "key", "clock", "storage", "gap", "prune", "anchor", "beat", "policy"];
const VERDICTS = ["allow", "tokenise", "generalise", "redact", "reroute", "hold", "refuse"];
const DECISIONS = ["accepted", "edited", "rejected", "overridden", "stopped"];
// What is asked for, in the order of the form. The first of them are always in view.
const FIELDS = [["kind", KINDS], ["verdict", VERDICTS], ["conduit"], ["workload"], ["since", "time"], ["until", "time"], ["zone"], ["provider"],
  ["model"], ["operator"], ["reason"], ["finding"], ["sensitivity"], ["decision", DECISIONS], ["id"]];
const VIEW = 6;
const COLUMNS = ["number", "time", "kind", "verdict", "workload", "conduit", "model", "why"];

// The address of records that are asked for.
export const recordsAt = (wanted) => addressOf("records", wanted);

// The own key lasts as long as the page: what is trusted is nothing to be kept where others use the browser.
let ownKey = "";
// From which page one came to which: back leads where one came from.
const before = new Map();

const asked = () => askedFor(...FIELDS.map(([name]) => name), "before", "open");

const field = ([name, kind], value) => {
  const id = `by-${name}`;
  const input = Array.isArray(kind)
    ? h("select", { id, name }, h("option", { value: "" }, t("any")), kind.map((one) => h("option", { value: one, selected: one === value }, one)))
    : h("input", { id, name, type: kind === "time" ? "datetime-local" : "text", step: kind === "time" ? 1 : null, autocomplete: "off", spellcheck: "false",
      maxlength: kind === "time" ? null : 120, placeholder: name === "model" ? "gpt-*" : null });
  if (!Array.isArray(kind)) input.value = kind === "time" ? toLocal(value) : value;
  return h("div", { class: "by" }, h("label", { for: id }, t(`by_${name}`)), input);
};

// Everything that a record says, as a list of lists. No value is ever more than text.
const tree = (value) => {
  if (Array.isArray(value)) return value.length ? h("ol", { class: "tree" }, value.map((one) => h("li", null, tree(one)))) : h("span", { class: "soft" }, "[]");
  if (value !== null && typeof value === "object") {
    return h("dl", { class: "tree" }, Object.entries(value).flatMap(([key, one]) => [h("dt", null, foreign(key)), h("dd", null, tree(one))]));
  }
  return foreign(typeof value === "string" ? value : JSON.stringify(value), "mono");
};

const parsed = (text) => { try { return JSON.parse(text); } catch { return null; } };

// What somebody wants to know first, and where a record says it: the first place that is there. It comes from the bytes that are proved, and
// from nothing else that the gateway tells.
const FACTS = [["time", "t"], ["kind", "kind"], ["verdict", "dec.verdict"],
  ["why", "dec.reason", "out.reason", "note.reason", "note.path", "note.event", "note.decision", "note.change", "note.result"], ["detail", "dec.detail"],
  ["workload", "who.workload.id", "note.workload"], ["operator", "who.operator.id"], ["zone", "where.zone"], ["conduit", "where.conduit"],
  ["provider", "what.rerouted", "what.provider"], ["model", "out.model", "what.model", "note.model"], ["purpose", "where.purpose"],
  ["sensitivity", "what.sensitivity"], ["status", "out.status"], ["identity", "id"], ["answers", "ref"]];
const at = (said, path) => path.split(".").reduce((value, key) => value?.[key], said);
const facts = (said) => FACTS.flatMap(([key, ...paths]) => {
  const value = paths.map((path) => at(said, path)).find((one) => typeof one === "string" || typeof one === "number");
  return value === undefined ? [] : [h("dt", null, t(`of_${key}`)), h("dd", null, foreign(key === "time" ? stamp(value) : value))];
});

const findings = (said) => Array.isArray(said?.what?.findings) && said.what.findings.length > 0 && [h("h3", null, t("foundIn")),
  h("ul", { class: "findings", role: "list" }, said.what.findings.map((one) => h("li", null, h("strong", null, foreign(one?.label)), " × ", foreign(one?.count))))];

const damaged = (line) => h("p", { class: "said alarm", role: "alert" }, sign("alarm"), h("span", null, t("recordDamaged", count(line.seq))));

// The proof of one record, done here when it is asked for.
const prover = (entry) => {
  const result = h("div", { class: "result", id: "result", "aria-live": "polite" });
  const key = h("textarea", { id: "own-key", rows: 2, autocomplete: "off", spellcheck: "false", maxlength: 4096, oninput: () => { ownKey = key.value.trim(); } });
  key.value = ownKey;
  const button = h("button", { type: "button", class: "button main", id: "verify", onclick: () => verify() }, t("verify"));
  const tell = (level, text, more = []) => clear(result, h("p", { class: `said ${level}`, id: "verdict", "data-level": level }, sign(level === "good" ? "note" : level), h("span", null, text)), more);
  const unable = async () => {
    if (!globalThis.crypto?.subtle) return tell("warning", t("proofInsecure"));
    return tell("warning", t("proofUnable"));
  };
  // A head comes each second: a record of just now may need one more.
  const fetched = async () => {
    for (let left = 5; ; left -= 1) {
      try { return await get(`records/${entry.line.seq}/proof`); } catch (failed) {
        if (failed.status !== 503 || left === 0) throw failed;
        await new Promise((done) => setTimeout(done, 600));
      }
    }
  };
  const verify = async () => {
    button.disabled = true;
    try {
      if (!globalThis.crypto?.subtle || !await able()) return await unable();
      if (entry.text === null) return tell("alarm", t("proofNoText"));
      const proof = await fetched();
      const done = await prove(entry.text, entry.line.seq, proof, ownKey);
      const lines = [["provedLeaf", done.leaf], ["provedRoot", done.head.root], ["provedLedger", done.head.origin], ["provedKey", done.key.text]];
      tell(done.own ? "good" : "note", t(done.own ? "proved" : "provedByShown", count(entry.line.seq), count(done.head.size)), [
        h("ul", { class: "steps" }, ["provedOne", "provedTwo", "provedThree"].map((step) => h("li", null, t(step)))),
        h("dl", null, lines.flatMap(([name, value]) => [h("dt", null, t(name)), h("dd", null, foreign(value, "mono"))])),
        h("p", { class: "soft" }, t("notProved"))]);
    } catch (failed) {
      if (failed instanceof Broken) tell("alarm", t(`broken_${failed.step}`, count(entry.line.seq)), [h("p", { class: "soft" }, t("brokenNext"))]);
      else tell("warning", failed instanceof Problem ? told(failed) : t("wrong"));
    } finally { button.disabled = false; }
  };
  return h("section", { class: "proof" }, h("h3", null, t("proofTitle")), h("p", { class: "soft" }, t("proofAbout")),
    h("label", { for: "own-key" }, t("ownKey")), key,
    h("div", { class: "row" }, button,
      h("a", { class: "button", id: "receipt", href: `/api/v1/records/${entry.line.seq}/receipt`, download: "" }, t("receipt"))), result);
};

// What the call said. It is asked for, and recorded, each time.
const opener = (entry, kept, session) => {
  const shown = h("div", { id: "content-of-call", "aria-live": "polite" });
  if (!kept) return h("p", { class: "soft" }, t("contentNotKept"));
  if (!may(session, "see-content")) return h("p", { class: "soft" }, t("contentMayNot"));
  const open = async () => {
    button.disabled = true;
    try {
      const { body: { recorded, bodies } } = await send(`records/${entry.line.seq}/openings`);
      clear(shown, h("p", { class: "said note" }, sign("note"), h("span", null, t("openedAs"), " ", foreign(recorded, "mono"))), bodies.map((one) => [
        h("h4", null, t(`body_${one.what}`), " ", h("small", { class: "soft" }, bytes(one.bytes))),
        one.genuine ? null : h("p", { class: "said alarm", role: "alert" }, sign("alarm"), h("span", null, t("notGenuine"))),
        h("blockquote", { dir: "auto", tabindex: "0" }, foreign(one.text ?? one.base64 ?? "")),
        one.cut && h("p", { class: "soft" }, t("bodyCut"))]).flat());
    } catch (failed) { clear(shown, h("p", { class: "said warning", role: "alert" }, sign("warning"), h("span", null, foreign(told(failed))))); } finally { button.disabled = false; }
  };
  const button = h("button", { type: "button", class: "button", id: "open-content", onclick: open }, t("showContent"));
  return h("div", null, h("div", { class: "row" }, button, h("span", { class: "soft" }, t("contentRecorded"))), shown);
};

export const recordsPage = (main, { session, say }) => {
  let gone = false, turn = 0;
  const rows = h("tbody");
  const status = h("p", { class: "soft", role: "status", id: "found" });
  const detail = h("section", { class: "panel detail", id: "record", "aria-label": t("record"), hidden: true, tabindex: "-1" });
  const newer = h("a", { class: "button", id: "newer" }, t("newer"));
  const newest = h("a", { class: "button", id: "newest" }, t("newest"));
  const older = h("a", { class: "button", id: "older" }, t("older"));
  const form = h("form", { class: "filters", id: "filters", role: "search", "aria-label": t("filters") });
  const go = (wanted) => { location.hash = recordsAt(wanted).slice(1); };

  const filters = (wanted) => {
    const all = FIELDS.map((one) => field(one, wanted[one[0]]));
    const more = h("details", { open: FIELDS.slice(VIEW).some(([name]) => wanted[name]) }, h("summary", null, t("moreFilters")), h("div", { class: "bys" }, all.slice(VIEW)));
    clear(form, h("div", { class: "bys" }, all.slice(0, VIEW)), more, h("div", { class: "row" },
      h("button", { type: "submit", class: "button main", id: "search" }, t("search")), h("a", { class: "button", href: "#/records", id: "all" }, t("clearFilters"))));
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const given = Object.fromEntries(FIELDS.map(([name, kind]) => {
      const value = form.elements[name].value.trim();
      return [name, kind === "time" ? fromLocal(value) : value];
    }));
    if (recordsAt(given) === location.hash) list(); else go(given);
  });

  const show = (wanted, { records, next, cut, size }) => {
    clear(rows, records.map((line) => {
      const to = recordsAt({ ...wanted, open: line.seq });
      const cells = line.damaged ? [h("td", { colspan: COLUMNS.length - 1, class: "alarm" }, sign("alarm"), t("damagedRow"))]
        : [h("td", { class: "mono time" }, moment(Date.parse(line.time))), h("td", null, foreign(line.kind)), h("td", { class: line.verdict === "refuse" ? "strong" : null }, foreign(line.verdict ?? "")),
          h("td", null, foreign(line.workload ?? "")), h("td", null, foreign(line.conduit ?? "")), h("td", null, foreign(line.model ?? "")), h("td", null, foreign(line.reason ?? line.status ?? ""))];
      return h("tr", { "data-seq": line.seq, class: wanted.open === String(line.seq) ? "chosen" : null }, h("th", { scope: "row", class: "mono" },
        h("a", { href: to, "aria-label": t("openRecord", line.seq), "aria-current": wanted.open === String(line.seq) ? "true" : null }, String(line.seq))), cells);
    }));
    const here = { ...wanted, open: "" };
    const on = next === null ? null : recordsAt({ ...here, before: next });
    if (on) before.set(on, recordsAt(here));
    const back = before.get(recordsAt(here));
    for (const [link, to] of [[older, on], [newer, wanted.before && back], [newest, wanted.before && recordsAt({ ...here, before: "" })]]) {
      link.hidden = !to;
      if (to) link.href = to; else link.removeAttribute("href");
    }
    write(older, t(cut ? "goOn" : "older"));
    write(status, records.length === 0 && !cut ? t("noRecords") : t(cut ? "foundCut" : "foundNow", count(records.length), count(size)));
    mark(status, "warning", cut);
  };

  let listed = null;
  const list = async () => {
    const wanted = asked(), mine = turn += 1;
    const { open: _, ...question } = wanted;
    const query = queryOf(question);
    try {
      const found = await get(`records?${query}`);
      if (gone || mine !== turn) return;
      listed = { key: String(query), found };
      show(wanted, found);
    } catch (failed) {
      if (gone || mine !== turn) return;
      clear(rows);
      [older, newer, newest].forEach((link) => { link.hidden = true; });
      write(status, told(failed));
      mark(status, "warning", true);
    }
  };

  const related = (one) => {
    const said = parsed(one.text), open = { ...asked(), open: one.line.seq };
    return h("details", { class: "related", "data-kind": one.line.kind }, h("summary", null, h("strong", null, foreign(one.line.kind)), " ",
      h("span", { class: "soft" }, `${count(one.line.seq)} · ${moment(Date.parse(one.line.time))} `), foreign(one.line.verdict ?? one.line.reason ?? one.line.status ?? "")),
      findings(said), said && tree(said), h("a", { href: recordsAt(open) }, t("openRecord", one.line.seq)));
  };

  let opened = "";
  const open = async (seq) => {
    detail.hidden = !seq;
    if (!seq) {
      clear(detail);
      // Back to where one came from.
      rows.querySelector(`tr[data-seq="${CSS.escape(opened)}"] a`)?.focus();
      opened = "";
      return;
    }
    if (opened !== seq) clear(detail, h("p", { class: "soft" }, t("waitingForData")));
    opened = seq;
    try {
      const { record, related: others, more } = await get(`records/${encodeURIComponent(seq)}`);
      if (gone || asked().open !== seq) return;
      const said = record.text === null ? null : parsed(record.text), { line } = record;
      const kept = [record, ...others].some((one) => one.kept);
      const close = recordsAt({ ...asked(), open: "" });
      clear(detail, h("div", { class: "row" }, h("h2", null, t("recordTitle", line.seq)), h("a", { class: "button close", id: "close", href: close }, t("close"))),
        line.damaged ? [damaged(line), record.text !== null && h("pre", null, foreign(record.text))] : [h("dl", { class: "facts" }, facts(said)), ...(findings(said) || [])],
        prover(record),
        h("section", null, h("h3", null, t("belongs")), others.length === 0 ? h("p", { class: "soft" }, t("belongsNone")) : h("div", { id: "related" }, others.map(related)),
          more && h("p", { class: "soft" }, t("belongsMore"))),
        h("section", null, h("h3", null, t("contentOf")), opener(record, kept, session)),
        said && h("details", { id: "whole" }, h("summary", null, t("whole")), tree(said)));
      detail.focus({ preventScroll: true });
      detail.scrollIntoView({ block: "start" });
    } catch (failed) {
      if (!gone) clear(detail, h("p", { class: "said warning", role: "alert" }, sign("warning"), h("span", null, foreign(told(failed)))));
    }
  };

  clear(main, h("h1", null, t("records_page")), h("p", { class: "lead" }, t("recordsAbout")),
    h("section", { class: "panel" }, form), detail,
    h("section", { class: "panel" }, status, scroller(t("records_page"),
      h("table", { id: "records" }, h("thead", null, h("tr", null, COLUMNS.map((name) => h("th", { scope: "col" }, t(`col_${name}`))))), rows)),
    h("nav", { class: "row pager", "aria-label": t("pager") }, newest, newer, older)));
  // The address has changed, or is there for the first time.
  const turned = () => {
    const wanted = asked();
    const { open: seq, ...question } = wanted;
    filters(wanted);
    const key = String(queryOf(question));
    if (listed?.key === key) show(wanted, listed.found); else list();
    open(seq);
  };
  turned();
  return { turned, gone: () => { gone = true; } };
};
