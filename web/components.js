// Components: what the plant uses of AI, declared against seen, what needs attention first, and the draft of what nobody has declared.
import { addressOf, askedFor } from "./address.js";
import { clear, foreign, h, keyed, plain, scroller, sign, write } from "./draw.js";
import { count, moment } from "./format.js";
import { get, send } from "./server.js";
import { may } from "./session.js";
import { t, told } from "./texts.js";

const DRIFTS = ["shadow", "mismatch", "matched", "declared", "retired"];
const STATES = ["draft", "approved", "live", "suspended"];
const KINDS = ["workload", "caller", "provider", "endpoint", "model", "library", "edge-node", "container", "connector", "identity"];
const COLUMNS = ["name", "drift", "stands", "owner", "calls", "refused", "first", "last", "why"];
// How many that need attention are named before the list itself, and how often the list is asked for, in milliseconds.
const NAMED = 8;
const EVERY = 5_000;

const asked = () => askedFor("state", "kind", "open");
const at = (wanted) => addressOf("components", wanted);

const fits = (one, { state, kind }) => (!kind || one.kind === kind) && (!state || one.drift === state || one.state === state);
const tried = (one) => one.drift === "shadow" && one.seen.calls === 0;
// How urgent one is, if somebody should look at it.
const level = (one) => {
  if (one.drift === "retired") return null;
  if (tried(one)) return "note";
  return one.drift === "shadow" || one.drift === "mismatch" || one.lacks.length > 0 ? "warning" : null;
};
// Why somebody should look at it. Sentences about what does not agree are the gateway's own.
const reasons = (one) => [
  one.drift === "shadow" && t(tried(one) ? "c_onlyTried" : "c_notDeclared"),
  ...one.why.filter(() => one.drift !== "shadow"),
  one.lacks.length > 0 && t("c_lacks", one.lacks.map((key) => t(`c_${key}`)).join(", ")),
].filter(Boolean);

const pairs = (given) => {
  const there = given.filter(([, value]) => value !== null && value !== undefined && value !== "" && value.length !== 0);
  return there.length > 0 && h("dl", null, there.flatMap(([name, value]) => [h("dt", null, t(name)),
    h("dd", null, Array.isArray(value) ? h("ul", null, value.map((one) => h("li", null, one instanceof Node ? one : foreign(one, "mono")))) : foreign(value))]));
};

const declared = (one) => h("section", { class: "panel", id: "declared" }, h("h3", null, t("c_declared")), one.declared === null ? h("p", { class: "soft" }, t("c_nowhere"))
  : [pairs([["c_title", one.declared.title], ["owner", one.declared.owner], ["c_update_process", one.declared.update_process], ["c_isolation_plan", one.declared.isolation_plan],
    ["version", one.declared.version], ["c_supplier", one.declared.supplier], ["c_licence", one.declared.licence], ["provider", one.declared.provider],
    ["c_names", one.declared.names], ["c_versions", one.declared.versions], ["c_carries", one.declared.carries]]) || h("p", { class: "soft" }, t("c_nothingSaid")),
  one.lacks.length > 0 && h("p", { class: "said warning" }, sign("warning"), h("span", null, t("c_lacks", one.lacks.map((key) => t(`c_${key}`)).join(", "))))]);

const seen = (one) => h("section", { class: "panel", id: "seen" }, h("h3", null, t("c_seen")), one.seen === null ? h("p", { class: "soft" }, t("c_never"))
  : [pairs([["c_first", moment(one.seen.first)], ["c_last", moment(one.seen.last)], ["calls", count(one.seen.calls)], ["refused", count(one.seen.refused)],
    ["c_versions", one.seen.versions.map((version) => h("span", null, foreign(version.version, "mono"), " ", h("small", { class: "soft" }, `× ${count(version.times)}, ${moment(version.last)}`)))],
    ["c_usedBy", one.seen.workloads]]), one.seen.more > 0 && h("p", { class: "soft" }, t("c_more", count(one.seen.more)))]);

const disagreements = (one) => one.why.length > 0 && [h("h3", null, t("c_disagrees")), h("ul", { class: "problems", id: "disagrees" }, one.why.map((why) => h("li", null,
  sign(one.drift === "mismatch" ? "warning" : "note"), foreign(why))))];

// Where it can go from here. Steps are signed with keys that no browser has.
const steps = (one, { approvals, approvers }) => one.state !== null && h("section", { id: "steps" }, h("h3", null, t("c_life")),
  h("p", null, t("c_stands", t(`is_${one.state}`)), one.life && [" ", t("c_since", moment(one.life.since)), " ", foreign(one.life.by.join(", ")), ": ", foreign(one.life.because)]),
  approvers.length === 0 ? h("p", { class: "said note" }, sign("note"), h("span", null, t("c_noApprovers")))
    : [h("p", { class: "soft" }, t("c_signs", approvals), " ", foreign(approvers.join(", "))),
      h("ul", { class: "findings" }, one.next.map((step) => h("li", { "data-to": step.to }, h("strong", null, t(`is_${step.to}`)), " ",
        h("span", { class: step.by.length > 0 ? "strong" : "soft" }, t("c_signed", step.by.length, approvals), step.by.length > 0 && [" ", foreign(step.by.join(", "))]),
        step.barred && h("p", { class: "soft" }, t("c_barred")),
        !step.barred && h("pre", { tabindex: "0", role: "group", "aria-label": t("c_command", t(`is_${step.to}`)) }, h("code", null, plain(`penstock inventory sign ${one.name} --to ${step.to} --because "WHY" --key FILE`))))))]);

const copier = (text, say) => h("button", { type: "button", class: "button", id: "copy", async onclick() {
  try {
    await navigator.clipboard.writeText(text);
    say(t("c_copied"));
  } catch { getSelection().selectAllChildren(document.querySelector("#declaration code")); }
} }, t("c_copy"));

// What declares it, asked for by a click.
const drafting = (one, session, say) => {
  if (one.declared !== null) return null;
  if (!one.draftable) return h("p", { class: "soft" }, t(one.kind === "endpoint" ? "c_ofProvider" : "c_ownTable"));
  if (!may(session, "change")) return h("p", { class: "soft" }, t("c_draftMayNot"));
  const shown = h("div", { id: "drafted", "aria-live": "polite" });
  const draft = async () => {
    button.disabled = true;
    try {
      const { body: { text } } = await send("declarations", { component: one.name });
      clear(shown, h("pre", { id: "declaration", tabindex: "0", role: "group", "aria-label": t("c_declaration") }, h("code", null, plain(text))),
        h("p", { class: "soft" }, t("c_draftNext")), h("div", { class: "row" }, copier(text, say), h("a", { class: "button", href: "#/plant", id: "to-draft" }, t("c_toPlant"))));
    } catch (failed) {
      say(told(failed), "alarm");
    } finally { button.disabled = false; }
  };
  const button = h("button", { type: "button", class: "button main", id: "draft-it", onclick: draft }, t("c_draft"));
  return h("section", { class: "drafting" }, h("div", { class: "row" }, button), shown);
};

const choice = (name, label, options, choose) => {
  const select = h("select", { id: `by-${name}`, onchange: () => choose() }, h("option", { value: "" }, t("any")), options);
  return { select, element: h("div", { class: "by" }, h("label", { for: `by-${name}` }, t(label)), select) };
};

// A part of the detail, made anew when what it is made of changes: whoever reads or marks it is not disturbed by the rest.
const part = (make) => {
  const box = h("div");
  let shown = null;
  return { box, show(one, said) {
    const key = JSON.stringify(said);
    if (key === shown) return;
    shown = key;
    clear(box, ...[said && make(one)].flat());
  } };
};

export const componentsPage = (main, { session, say }) => {
  let gone = false, inventory = null, last = 0, under = false, opened = "";
  const options = (names) => names.map((name) => h("option", { value: name }, t(`is_${name}`)));
  const choose = () => { location.hash = at({ ...asked(), state: state.select.value, kind: kind.select.value }).slice(1); };
  const state = choice("state", "c_byState", [h("optgroup", { label: t("c_drift") }, options(DRIFTS)), h("optgroup", { label: t("c_life") }, options(STATES))], choose);
  const kind = choice("kind", "by_kind", KINDS.map((name) => h("option", { value: name }, t(`c_kind_${name}`))), choose);
  const attention = h("section", { class: "panel attention", id: "attention" });
  const status = h("p", { class: "soft", role: "status", id: "found" });
  const detail = h("section", { class: "panel detail", id: "component", "aria-label": t("c_component"), hidden: true, tabindex: "-1" });
  const rows = h("tbody");

  const row = () => {
    const name = foreign(""), link = h("a", null, name), kindOf = h("small", { class: "soft" });
    const cells = Object.fromEntries(COLUMNS.slice(1).map((column) => [column, h("td", { class: column })]));
    const element = h("tr", null, h("th", { scope: "row" }, link, " ", kindOf), Object.values(cells));
    const moments = (one, which) => one.seen ? moment(one.seen[which]) : "";
    return { element, show(one) {
      element.dataset.name = one.name;
      element.className = one.name === asked().open ? "chosen" : "";
      link.href = at({ ...asked(), open: one.name });
      write(name, one.name.slice(one.kind.length + 1));
      write(kindOf, t(`c_kind_${one.kind}`));
      if (cells.drift.dataset.drift !== `${one.drift} ${level(one)}`) clear(cells.drift, level(one) && sign(level(one)), document.createTextNode(t(`is_${one.drift}`)));
      cells.drift.dataset.drift = `${one.drift} ${level(one)}`;
      for (const [column, text] of Object.entries({ stands: one.state ? t(`is_${one.state}`) : "", owner: one.declared?.owner ?? "", calls: one.seen ? count(one.seen.calls) : "",
        refused: one.seen ? count(one.seen.refused) : "", first: moments(one, "first"), last: moments(one, "last"), why: reasons(one).join("; ") })) write(cells[column], text);
      cells.stands.className = one.state === "suspended" ? "stands warning" : "stands";
    } };
  };
  const showRows = keyed(rows, (one) => one.name, row);

  const showAttention = (all) => {
    const these = all.filter((one) => level(one) !== null), text = JSON.stringify(these.map((one) => [one.name, reasons(one), level(one)]));
    if (attention.dataset.shown === text) return;
    attention.dataset.shown = text;
    clear(attention, h("h2", null, t("abnormal")), these.length === 0 ? h("p", { class: "soft fine" }, t("nothingAbnormal"))
      : h("ul", { class: "abnormal" }, these.slice(0, NAMED).map((one) => h("li", { class: level(one) }, sign(level(one)), h("span", null, h("a", { href: at({ open: one.name }) }, foreign(one.name)),
        ": ", foreign(reasons(one).join("; ")))))), these.length > NAMED && h("p", { class: "soft" }, t("c_andMore", count(these.length - NAMED))));
  };

  const parts = {
    head: part((one) => one ? h("p", null, level(one) && sign(level(one)), h("strong", null, t(`is_${one.drift}`)), ": ", t(`c_about_${one.drift}`)) : h("p", { class: "said note" }, t("c_none"))),
    disagrees: part(disagreements), draft: part((one) => drafting(one, session, say)), declared: part(declared), seen: part(seen), steps: part((one) => steps(one, inventory)),
  };
  const title = h("h2"), close = h("a", { class: "button close", id: "close" }, t("close"));
  clear(detail, h("div", { class: "row" }, title, close), parts.head.box, parts.disagrees.box, parts.draft.box, h("div", { class: "pair even" }, parts.declared.box, parts.seen.box), parts.steps.box);
  const open = () => {
    const { open: name } = asked(), one = inventory.components.find((known) => known.name === name);
    detail.hidden = !name;
    close.href = at({ ...asked(), open: "" });
    const of = { head: one && [one.drift, level(one)], disagrees: one?.why, draft: one && [one.declared === null, one.draftable], declared: one && [one.declared, one.lacks], seen: one?.seen,
      steps: one && [one.state, one.life, one.next, inventory.approvals, inventory.approvers] };
    for (const [which, said] of Object.entries(of)) if (one || which === "head") parts[which].show(one, [name, said]); else parts[which].show(null, null);
    if (opened === name) return;
    clear(title, foreign(name));
    const before = opened;
    opened = name;
    if (name) { detail.focus({ preventScroll: true }); detail.scrollIntoView({ block: "start" }); }
    else [...rows.children].find((element) => element.dataset.name === before)?.querySelector("a").focus();
  };

  const show = () => {
    if (!inventory) return;
    const wanted = asked(), { components, left_out: left, beyond, uncounted } = inventory, found = components.filter((one) => fits(one, wanted));
    [state.select.value, kind.select.value] = [wanted.state, wanted.kind];
    showAttention(components);
    showRows(found);
    write(status, [t("c_found", count(found.length), count(components.length)), left > 0 && t("c_leftOut", count(left)), beyond > 0 && t("c_beyond", count(beyond)),
      uncounted > 0 && t("c_uncounted", count(uncounted))].filter(Boolean).join(" "));
    open();
  };

  const list = async () => {
    if (under) return;
    [under, last] = [true, performance.now()];
    try {
      const fresh = await get("components");
      if (!gone) { inventory = fresh; show(); }
    } catch (failed) {
      if (!gone) write(status, told(failed));
    } finally { under = false; }
  };

  clear(main,
    h("h1", null, t("components")), h("p", { class: "lead" }, t("c_about")), attention, detail,
    h("section", { class: "panel filters", id: "components-list" }, h("div", { class: "bys" }, state.element, kind.element), status,
      scroller(t("components"), h("table", { id: "components" },
        h("thead", null, h("tr", null, COLUMNS.map((column) => h("th", { scope: "col", class: column }, t(`c_col_${column}`))))), rows))));
  list();
  return {
    show: () => { if (performance.now() - last >= EVERY && !document.hidden) list(); },
    turned: show,
    gone: () => { gone = true; },
  };
};
