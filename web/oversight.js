// Oversight: what people did with answers, how fast, and which answers nobody accounted for. Whoever is signed in at the issuer accounts here for
// what was asked for them.
import { addressOf, askedFor, queryOf } from "./address.js";
import { clear, foreign, h, plain, scroller, sign, write } from "./draw.js";
import { count, countdown, millis, moment } from "./format.js";
import { recordsAt } from "./records.js";
import { get, send } from "./server.js";
import { t, told } from "./texts.js";

const DECISIONS = ["accepted", "edited", "rejected", "overridden", "stopped"];
const APART = ["conduit", "operator", "workload", "day"];
const SPANS = { hour: 3_600_000, day: 86_400_000, week: 604_800_000, month: 2_678_400_000, all: null };
const COLUMNS = ["required", "open", "never", "late", ...DECISIONS, "quick", "median", "p90", "unproved"];
const EVERY = 10_000;

const asked = () => {
  const { by, span, ...rest } = askedFor("by", "span", "conduit", "workload");
  return { by: APART.includes(by) ? by : "conduit", span: Object.hasOwn(SPANS, span) ? span : "week", ...rest };
};
const at = (wanted) => addressOf("oversight", wanted);
const share = (part, of) => of > 0 ? `${count(part)} (${Math.floor(part * 100 / of)} %)` : count(part);

const cellsOf = (one) => ({
  ...one, never: share(one.never, one.required), quick: share(one.accepted_quickly, one.accepted_first),
  median: millis(one.median_ms), p90: millis(one.p90_ms),
});

export const oversightPage = (main, { session, say }) => {
  let gone = false, page = null, last = 0, turn = 0, skew = 0, drawn = null;
  const rests = [];
  const attention = h("p", { class: "said note", id: "oversight-state", role: "status" });
  const open = h("ul", { class: "findings", id: "owed", role: "list" });
  const beyond = h("p", { class: "soft", id: "beyond" });
  const rows = h("tbody"), first = h("th", { scope: "col" });
  const status = h("p", { class: "soft", id: "found", role: "status" });
  const choice = (name, names, label) => h("select", { id: `by-${name}`, name }, names.map((one) => h("option", { value: one }, t(`${label}_${one}`))));
  const by = choice("apart", APART, "o_by"), span = choice("span", Object.keys(SPANS), "o_span");
  for (const select of [by, span]) select.addEventListener("change", () => { location.hash = at({ ...asked(), by: by.value, span: span.value }).slice(1); });

  const account = async (one, decision) => {
    try {
      await send(`records/${encodeURIComponent(one.record)}/accounts`, { decision });
      say(t("o_taken", t(`o_${decision}`)));
    } catch (failed) { say(told(failed), "warning"); }
    await look();
  };

  const owed = (one) => {
    const rest = h("span", { class: "rest mono" });
    if (!one.over) rests.push([rest, Date.parse(one.due)]);
    return h("li", { "data-record": one.record, class: one.over ? "held-for" : null },
      h("p", null, one.over && sign("warning"), h("strong", null, foreign(one.workload ?? "?")), " ", foreign(one.conduit ?? ""), " ", one.operator && foreign(one.operator, "mono soft"),
        " ", h("span", { class: "soft" }, t("o_ended", moment(one.ended))), " ", one.over ? h("span", { class: "tag" }, t("o_over", moment(one.due))) : rest),
      h("div", { class: "row" }, one.mine && DECISIONS.map((decision) =>
        h("button", { type: "button", class: "button", "data-decision": decision, onclick: () => account(one, decision) }, t(`o_${decision}`))),
        h("a", { class: "button", href: recordsAt({ id: one.record }) }, t("o_toRecord"))));
  };

  const row = (one) => {
    const cells = cellsOf(one), { by: apart } = asked();
    // Accounts told here are of no workload; its calls are.
    const wanted = apart === "workload" ? { workload: one.name } : { kind: "oversight", [apart]: one.name };
    const to = apart === "day" || one.name === "-" ? foreign(one.name) : h("a", { href: recordsAt(wanted) }, foreign(one.name));
    return h("tr", { "data-name": plain(one.name) }, h("th", { scope: "row" }, to),
      COLUMNS.map((name) => h("td", { class: name === "never" && one.never > 0 ? "warning" : null }, name === "never" && one.never > 0 && sign("warning"), typeof cells[name] === "number" ? count(cells[name]) : cells[name])));
  };

  const show = () => {
    if (!page) return;
    const never = page.rows.reduce((sum, one) => sum + one.never, 0), mine = page.open.filter((one) => one.mine).length;
    attention.className = never > 0 ? "said warning" : "said note";
    clear(attention, sign(never > 0 ? "warning" : "note"), h("span", null, never > 0 ? t("o_unaccounted", count(never)) : t("o_fine"), mine > 0 && ` ${t("o_mine", count(mine))}`));
    const now = JSON.stringify([page, asked()]);
    // Nothing is redrawn under the hands of who is reading it.
    if (now === drawn) return;
    drawn = now;
    rests.length = 0;
    clear(open, page.open.map(owed));
    write(beyond, page.open.length === 0 ? t("o_none") : page.left_out > 0 ? t("o_leftOut", count(page.left_out)) : "");
    write(first, t(`o_by_${asked().by}`));
    clear(rows, page.rows.map(row));
    write(status, [page.rows.length === 0 && t("o_nothing"), page.counted_until && t("o_countedUntil", moment(page.counted_until))].filter(Boolean).join(" "));
    tick();
  };

  const tick = () => { for (const [rest, due] of rests) write(rest, t("left", countdown((due - Date.now() - skew) / 1000))); };

  const look = async () => {
    const { span: length, ...wanted } = asked(), mine = turn += 1;
    last = performance.now();
    try {
      const since = SPANS[length] === null ? "" : Math.floor((Date.now() + skew - SPANS[length]) / 60_000) * 60_000;
      const fresh = await get(`oversight?${queryOf({ ...wanted, since })}`);
      if (!gone && mine === turn) { page = fresh; show(); }
    } catch (failed) {
      if (!gone && mine === turn) write(status, told(failed));
    }
  };

  const turned = () => {
    ({ by: by.value, span: span.value } = asked());
    look();
  };

  const figures = h("table", { id: "accounts" }, h("thead", null, h("tr", null, first, COLUMNS.map((name) => h("th", { scope: "col" }, t(`o_${name}`))))), rows);
  clear(main, h("h1", null, t("oversight")), h("p", { class: "lead" }, t("o_about")), attention,
    h("section", { class: "panel", "aria-label": t("o_open_title") }, h("h2", null, t("o_open_title")),
      session.person.by !== "oidc" && h("p", { class: "soft" }, t("o_notIssuer")), open, beyond),
    h("section", { class: "panel" }, h("h2", null, t("o_figures")),
      h("div", { class: "filters bys" }, h("div", { class: "by" }, h("label", { for: "by-span" }, t("o_span")), span), h("div", { class: "by" }, h("label", { for: "by-apart" }, t("o_by")), by)),
      status, scroller(t("o_figures"), figures), h("p", { class: "soft" }, t("o_quickAbout"))));
  turned();
  return {
    show(now) {
      skew = Date.parse(now.at) - Date.now();
      if (performance.now() - last >= EVERY && !document.hidden) look();
      tick();
    },
    turned,
    gone: () => { gone = true; },
  };
};
