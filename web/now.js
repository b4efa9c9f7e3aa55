// Now: what is abnormal first, then what crosses, to whom, and how the ledger is. Grey is good; colour is for what a person should look at.
import { dayPanel } from "./day.js";
import { clear, foreign, h, keyed, mark, plain, scroller, sign, svg, write } from "./draw.js";
import { recordsAt } from "./records.js";
import { bytes, clock, count, millis, moment, span } from "./format.js";
import { t } from "./texts.js";

const VERDICTS = ["allow", "tokenise", "generalise", "redact", "reroute", "hold", "refuse"];
const SKEW = 5;
const NEARLY_FULL = 0.05;

// What a person should look at, the most urgent first.
export const abnormal = (now) => {
  const found = [];
  const add = (level, key, ...values) => { found.push({ level, key: `${key} ${values[0] ?? ""}`, text: t(key, ...values.map(plain)) }); return found.at(-1); };
  const { ledger, isolations } = now;
  const disk = ledger.disk_free + ledger.disk_used;
  if (ledger.problem) add("alarm", "aLedger", ledger.problem);
  else if (now.problem) add("alarm", "aNotReady", now.problem);
  if (disk > 0 && ledger.disk_free / disk < NEARLY_FULL) add("alarm", "aDisk", bytes(ledger.disk_free));
  if (ledger.put_aside > 0) add("alarm", "aPutAside", count(ledger.put_aside));
  for (const one of now.providers) if (one.breaker === "open") add("alarm", "aBreaker", one.provider);
  for (const one of isolations.isolated) add("warning", "aIsolated", one.part);
  for (const one of isolations.waiting) add("warning", "aWaits", t(one.wish), one.part);
  if (now.held > 0) add("warning", "aHeld", count(now.held), clock(now.next_hold_until));
  for (const one of now.lanes) {
    const { failed, passed } = one.minute;
    if (failed > 0) add("warning", "aFailing", one.conduit || t("noConduit"), count(failed), count(passed));
  }
  for (const one of now.providers) if (one.breaker === "half-open") add("warning", "aBreakerTrying", one.provider);
  if (ledger.publishing) add("warning", "aPublishing", ledger.publishing);
  if (ledger.unwitnessed && ledger.unwitnessed.seconds > 3600) add("warning", "aUnwitnessed", span(ledger.unwitnessed.seconds));
  if (now.barred > 0) Object.assign(add("warning", "aBarred", count(now.barred)), { key: "aBarred", to: recordsAt({ kind: "admin" }) });
  const { stepped } = ledger.clock;
  if (stepped) add("note", "aClock", `${stepped.by_ms > 0 ? "+" : "−"}${span(Math.abs(stepped.by_ms) / 1000)}`, moment(stepped.at));
  const skew = Math.abs(Date.now() - Date.parse(now.at)) / 1000;
  if (skew > SKEW) add("note", "aSkew", span(skew));
  return found;
};

const tile = (key, id) => {
  const number = h("span", { class: "number mono", id }, "–");
  return { number, element: h("div", { class: "tile" }, number, h("span", { class: "soft" }, t(key))) };
};

// Ninety bars of ten seconds: what went on in grey, what was refused above it, what failed in it.
const history = (slots) => {
  const top = Math.max(4, ...slots.map(([passed, refused]) => passed + refused));
  const bar = (kind, index, height, below) => height > 0
    && svg("rect", { class: kind, x: index * 2, width: 1.5, y: 24 - (below + height) / top * 24, height: height / top * 24 });
  const sum = (place) => count(slots.reduce((all, slot) => all + slot[place], 0));
  return svg("svg", { class: "history", viewBox: "0 0 180 24", preserveAspectRatio: "none", role: "img",
    "aria-label": t("historyOf", sum(0), sum(1), sum(2)) },
  slots.flatMap(([passed, refused, failed], index) => [
    bar("went", index, passed, 0), bar("failed", index, Math.min(failed, passed), 0), bar("refused", index, refused, passed)]));
};

// How calls were decided: shares, with their names for whoever points at them or has them read.
const shares = (verdicts) => {
  const all = VERDICTS.reduce((sum, name) => sum + (verdicts[name] ?? 0), 0);
  if (all === 0) return h("span", { class: "soft" }, "–");
  const told = VERDICTS.filter((name) => verdicts[name] > 0).map((name) => `${t(name)} ${count(verdicts[name])}`).join(", ");
  let left = 0;
  const parts = VERDICTS.map((name) => {
    const width = (verdicts[name] ?? 0) / all * 100;
    left += width;
    return width > 0 && svg("rect", { class: `v-${name}`, x: left - width, width: Math.max(width - 0.8, 0.6), y: 0, height: 8 });
  });
  return svg("svg", { class: "shares", viewBox: "0 0 100 8", preserveAspectRatio: "none", role: "img", "aria-label": told },
    svg("title", null, told), parts);
};

const lane = () => {
  const cells = Object.fromEntries(["name", "way", "calls", "refused", "failed", "p50", "p95", "verdicts", "history"]
    .map((name) => [name, h(name === "name" ? "th" : "td", { class: name, scope: name === "name" ? "row" : null })]));
  let drawn = null, split = null;
  return {
    element: h("tr", null, Object.values(cells)),
    show(one) {
      if (!cells.name.firstChild) {
        cells.name.append(one.conduit ? foreign(one.conduit) : h("i", null, t("noConduit")));
        if (one.to) cells.way.append(foreign(one.from.join(", ")), " → ", foreign(one.to));
      }
      const { passed, refused, failed } = one.minute;
      write(cells.calls, count(passed + refused));
      write(cells.refused, count(refused));
      write(cells.failed, count(failed));
      mark(cells.failed, "warning", failed > 0);
      mark(cells.refused, "strong", refused > 0);
      write(cells.p50, millis(one.p50_ms));
      write(cells.p95, millis(one.p95_ms));
      const told = JSON.stringify(one.verdicts);
      if (told !== split) clear(cells.verdicts, shares(one.verdicts));
      split = told;
      const bars = JSON.stringify(one.history);
      if (bars !== drawn) clear(cells.history, history(one.history ?? []));
      drawn = bars;
    },
  };
};

const provider = () => {
  const cells = Object.fromEntries(["name", "zone", "breaker", "calls", "failed"]
    .map((name) => [name, h(name === "name" ? "th" : "td", { class: name, scope: name === "name" ? "row" : null })]));
  return {
    element: h("tr", null, Object.values(cells)),
    show(one) {
      if (!cells.name.firstChild) {
        cells.name.append(foreign(one.provider));
        cells.zone.append(foreign(one.zone), one.external ? h("small", { class: "soft" }, ` ${t("external")}`) : "");
      }
      write(cells.breaker, t(one.breaker ?? "noBreaker"));
      mark(cells.breaker, "alarm", one.breaker === "open");
      mark(cells.breaker, "warning", one.breaker === "half-open");
      mark(cells.breaker, "soft", !one.breaker);
      write(cells.calls, count(one.passed));
      write(cells.failed, count(one.failed));
      mark(cells.failed, "warning", one.failed > 0);
    },
  };
};

const table = (id, caption, heads, ...more) => {
  const rows = h("tbody");
  const head = heads.map(([name, key]) => h("th", { class: name, scope: "col" }, t(key)));
  return { rows, element: h("section", { class: "panel", id }, h("h2", null, t(caption)),
    scroller(t(caption), h("table", null, h("thead", null, h("tr", null, head)), rows)), more) };
};

const facts = (entries) => {
  const values = {};
  const list = h("dl", null, entries.flatMap(([name, key]) => {
    values[name] = h("dd", { class: name });
    return [h("dt", null, t(key)), values[name]];
  }));
  return { values, list };
};

const showLedger = (values, now) => {
  const { ledger } = now;
  const disk = ledger.disk_free + ledger.disk_used;
  write(values.records, count(ledger.records));
  write(values.unpublished, count(ledger.records - ledger.published));
  const behind = ledger.unwitnessed;
  write(values.unwitnessed, behind === null ? t("noWitness") : behind.records === 0 ? t("allWitnessed")
    : t("unwitnessedSince", count(behind.records), span(behind.seconds)));
  mark(values.unwitnessed, "warning", behind && behind.seconds > 3600);
  write(values.disk, t("ofDisk", bytes(ledger.disk_free), disk ? Math.round(ledger.disk_free / disk * 100) : 0));
  mark(values.disk, "alarm", disk > 0 && ledger.disk_free / disk < NEARLY_FULL);
  write(values.sync, millis(ledger.sync_ms));
  write(values.queue, count(ledger.queue));
  write(values.clock, t(ledger.clock.source));
  write(values.inForce, now.in_force.digest.slice(0, 12));
  values.inForce.title = now.in_force.digest;
  write(values.version, now.version);
};

export const nowPage = (main) => {
  const none = h("p", { class: "soft fine" }, t("nothingAbnormal"));
  const list = h("ul", { class: "abnormal", id: "abnormal", role: "list" });
  const showAbnormal = keyed(list, (one) => one.key, () => {
    const text = h("span");
    const level = h("span", { class: "unseen" });
    const element = h("li");
    let kind = null;
    return { element, show(one) {
      if (one.level !== kind) clear(element, sign(one.level), level, one.to ? h("a", { href: one.to }, text) : text);
      element.className = kind = one.level;
      write(level, `${t(one.level)}: `);
      write(text, one.text);
    } };
  });
  const tiles = { calls: tile("callsMinute", "n-calls"), refused: tile("refusedMinute", "n-refused"), failed: tile("failedMinute", "n-failed"),
    underWay: tile("underWay", "n-under-way"), held: tile("held", "n-held"), isolated: tile("isolated", "n-isolated") };
  const conduits = table("conduits", "conduits", [["name", "conduit"], ["way", "from"], ["calls", "perMinute"], ["refused", "refused"],
    ["failed", "failed"], ["p50", "half"], ["p95", "most"], ["verdicts", "verdicts"], ["history", "quarter"]]);
  const note = h("span", { class: "soft" });
  const all = h("button", { type: "button", class: "quiet", id: "all-lanes" });
  conduits.element.append(h("p", { class: "foot" }, note, " ", all));
  const providers = table("providers", "providers", [["name", "provider"], ["zone", "zone"], ["breaker", "breaker"], ["calls", "perMinute"], ["failed", "failed"]]);
  const { values, list: books } = facts([["records", "records"], ["unpublished", "unpublished"], ["unwitnessed", "unwitnessed"], ["disk", "disk"],
    ["sync", "sync"], ["queue", "queue"], ["clock", "clockSource"], ["inForce", "inForce"], ["version", "version"]]);
  const showLanes = keyed(conduits.rows, (one) => one.conduit, lane);
  const showProviders = keyed(providers.rows, (one) => one.provider, provider);
  const day = dayPanel();
  let everything = false, last = null;
  all.addEventListener("click", () => { everything = !everything; if (last) page.show(last); });
  clear(main,
    h("h1", { class: "unseen" }, t("now")),
    h("section", { class: "panel attention", "aria-label": t("abnormal") }, h("h2", null, t("abnormal")), list, none),
    h("div", { class: "tiles", role: "group", "aria-label": t("lastMinute") }, Object.values(tiles).map(({ element }) => element)),
    conduits.element,
    day.element,
    h("div", { class: "pair" }, providers.element, h("section", { class: "panel", id: "ledger" }, h("h2", null, t("ledger")), books)));
  const page = {
    show(now) {
      last = now;
      const found = abnormal(now);
      showAbnormal(found);
      none.hidden = found.length > 0;
      const sum = (name) => now.lanes.reduce((all, one) => all + one.minute[name], 0);
      write(tiles.calls.number, count(sum("passed") + sum("refused")));
      write(tiles.refused.number, count(sum("refused")));
      write(tiles.failed.number, count(sum("failed")));
      mark(tiles.failed.element, "warning", sum("failed") > 0);
      write(tiles.underWay.number, count(now.under_way));
      write(tiles.held.number, count(now.held));
      mark(tiles.held.element, "warning", now.held > 0);
      write(tiles.isolated.number, count(now.isolations.isolated.length));
      mark(tiles.isolated.element, "warning", now.isolations.isolated.length > 0);
      const busy = now.lanes.filter((one) => Object.values(one.verdicts).some((number) => number > 0));
      const calls = (one) => Object.values(one.verdicts).reduce((all, number) => all + number, 0);
      const named = (one, other) => (one.conduit === "") - (other.conduit === "") || one.conduit.localeCompare(other.conduit);
      const lanes = everything ? now.lanes.filter((one) => one.conduit !== "" || calls(one) > 0) : busy;
      showLanes([...lanes].sort(named));
      const quiet = now.lanes.filter((one) => one.conduit !== "").length - busy.filter((one) => one.conduit !== "").length;
      write(note, everything ? "" : busy.length === 0 ? t("noCalls") : quiet > 0 ? t("quiet", count(quiet)) : "");
      all.hidden = !everything && quiet === 0;
      write(all, t(everything ? "showBusy" : "showAll"));
      showProviders(now.providers);
      showLedger(values, now);
      day.turn(now);
    },
    gone: day.gone,
  };
  return page;
};
