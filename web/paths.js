// Paths: every way of the plant's data to AI, what is open against what was taken, with who answers for each step of it.
import { addressOf, askedFor, queryOf } from "./address.js";
import { clear, foreign, h, plain, scroller, sign, write } from "./draw.js";
import { count, moment } from "./format.js";
import { recordsAt } from "./records.js";
import { get } from "./server.js";
import { t, told } from "./texts.js";

const MARKS = ["wrong", "undeclared", "above", "unused", "taken"];
const FIELDS = ["source", "workload", "conduit", "provider"];
const COLUMNS = ["source", "workload", "conduit", "provider", "chain", "allowed", "seen", "calls", "refused", "last", "marks"];
const EVERY = 10_000;

const asked = () => askedFor("mark", ...FIELDS, "open");
export const pathsAt = (wanted) => addressOf("paths", wanted);

const keyOf = (one) => [one.source ?? "-", one.workload, one.conduit, one.provider].join(" > ");
const isWrong = (one) => one.marks.some((mark) => mark !== "unused");
const marksOf = (one) => one.marks.map((mark) => mark === "above" ? `${t("p_above")}: ${one.above.join(", ")}` : t(`p_${mark}`)).join("; ");

// The steps of a path, each with who answers for it.
const chain = (one) => {
  const step = (kind, name, ...about) => h("li", { class: one.declared ? null : "wrong" }, h("small", { class: "soft" }, t(kind)), h("strong", null, foreign(name)),
    about.filter(Boolean).map((line) => h("span", { class: "soft" }, foreign(line))));
  return h("ol", { class: "chain", id: "chain" },
    step("p_source", one.source ?? t("p_noSource"), one.source_owner), step("workload", one.workload, one.workload_owner, one.zone),
    step("conduit", one.conduit === "-" ? t("noConduit") : one.conduit, one.conduit_owner), step("provider", one.provider, one.provider_zone),
    one.supplier && step("p_supplier", one.supplier, one.country), one.sub_processors.map((name) => step("p_processor", name)));
};

const labels = (one) => {
  const found = Object.entries(one.seen_labels);
  return found.length === 0 ? h("p", { class: "soft" }, t("p_noLabels")) : h("ul", { class: "findings", id: "labels" }, found.map(([label, times]) => {
    const above = one.above.includes(label);
    return h("li", { class: above ? "held-for" : null }, above && sign("warning"), h("strong", null, foreign(label)), " × ", count(times), above && h("span", { class: "tag" }, t("p_aboveTag")));
  }));
};

export const pathsPage = (main) => {
  let gone = false, listing = null, last = 0, turn = 0, opened = null;
  const attention = h("p", { class: "said note", id: "paths-state", role: "status" });
  const rows = h("tbody");
  const status = h("p", { class: "soft", id: "found", role: "status" });
  const detail = h("section", { class: "panel detail", id: "path", "aria-label": t("p_path"), hidden: true, tabindex: "-1" });
  const inputs = Object.fromEntries(FIELDS.map((name) => [name, h("input", { id: `by-${name}`, name, type: "text", autocomplete: "off", spellcheck: "false", maxlength: 120 })]));
  const mark = h("select", { id: "by-mark", name: "mark" }, h("option", { value: "" }, t("any")), MARKS.map((name) => h("option", { value: name }, t(`p_by_${name}`))));
  const saves = [["json", "paths.json"], ["csv", "paths.csv"], ["mermaid", "paths.mmd"]].map(([form, name]) => ({ form, link: h("a", { class: "button", id: `save-${form}`, download: name }, t(`p_save_${form}`)) }));
  const form = h("form", { class: "filters", role: "search", "aria-label": t("filters") },
    h("div", { class: "bys" }, h("div", { class: "by" }, h("label", { for: "by-mark" }, t("p_mark")), mark),
      FIELDS.map((name) => h("div", { class: "by" }, h("label", { for: `by-${name}` }, t(name === "source" ? "p_bySource" : `by_${name}`)), inputs[name]))),
    h("div", { class: "row" }, h("button", { type: "submit", class: "button main", id: "search" }, t("search")), h("a", { class: "button", href: "#/paths", id: "all" }, t("clearFilters"))));
  const given = () => ({ mark: mark.value, ...Object.fromEntries(FIELDS.map((name) => [name, inputs[name].value.trim()])) });
  form.addEventListener("submit", (event) => { event.preventDefault(); location.hash = pathsAt(given()).slice(1); });
  mark.addEventListener("change", () => { location.hash = pathsAt(given()).slice(1); });

  const row = (one) => {
    const key = keyOf(one), wanted = asked();
    const cells = { source: h("td", null, one.source === null ? h("i", { class: "soft" }, t("p_noSource")) : foreign(one.source)), workload: h("td", null, foreign(one.workload)),
      conduit: h("td", null, one.conduit === "-" ? h("i", { class: "soft" }, t("noConduit")) : foreign(one.conduit)), provider: h("td", null, foreign(one.provider)),
      chain: h("td", { class: "chain-of" }, foreign([one.supplier, ...one.sub_processors].filter(Boolean).join(" → "))), allowed: h("td", null, foreign(one.allowed ?? "")), seen: h("td", null, foreign(one.seen ?? "")),
      calls: h("td", { class: "calls" }, count(one.calls)), refused: h("td", { class: "refused" }, count(one.refused)), last: h("td", { class: "last" }, one.last ? moment(one.last) : "") };
    const to = h("a", { href: pathsAt({ ...wanted, open: key }), "aria-label": t("p_open", plain(key)) });
    to.append(...cells.workload.childNodes);
    cells.workload.append(to);
    return h("tr", { "data-path": key, class: wanted.open === key ? "chosen" : null }, COLUMNS.slice(0, -1).map((name) => cells[name]),
      h("td", { class: isWrong(one) ? "marks warning" : "marks soft" }, isWrong(one) && sign("warning"), foreign(marksOf(one))));
  };

  const open = () => {
    const { open: key, ...rest } = asked(), one = listing.paths.find((known) => keyOf(known) === key), shown = JSON.stringify(one ?? key);
    detail.hidden = !key;
    if (!key || shown === opened) { if (!key) opened = null; return; }
    const first = opened === null;
    opened = shown;
    const records = one && recordsAt({ workload: one.workload === "-" ? "" : one.workload, conduit: one.conduit === "-" ? "" : one.conduit, provider: one.provider });
    clear(detail, h("div", { class: "row" }, h("h2", null, t("p_path")), h("a", { class: "button close", id: "close", href: pathsAt(rest) }, t("close"))),
      !one ? h("p", { class: "said note" }, t("p_gone")) : [
        isWrong(one) && h("p", { class: "said warning" }, sign("warning"), h("span", null, t(one.marks.includes("undeclared") ? "p_aboutUndeclared" : "p_aboutAbove"))),
        chain(one), h("div", { class: "pair even" },
          h("section", { class: "panel" }, h("h3", null, t("p_allowed")), h("p", null, one.allowed === null ? t("p_nothingAllowed") : foreign(one.allowed)),
            h("h3", null, t("p_seenUpTo")), h("p", null, one.seen === null ? t("c_never") : foreign(one.seen))),
          h("section", { class: "panel" }, h("h3", null, t("p_labels")), labels(one))),
        h("div", { class: "row" }, h("a", { class: "button", id: "to-records", href: records }, t("p_toRecords")), h("a", { class: "button", href: `#/components?open=${encodeURIComponent(`workload:${one.workload}`)}` }, t("p_toComponent")))]);
    if (first) { detail.focus({ preventScroll: true }); detail.scrollIntoView({ block: "start" }); }
  };

  let drawn = null;
  const show = () => {
    if (!listing) return;
    const { paths, left_out: left, uncounted } = listing, wrong = paths.filter(isWrong).length;
    attention.className = wrong > 0 ? "said warning" : "said note";
    clear(attention, sign(wrong > 0 ? "warning" : "note"), h("span", null, wrong > 0 ? t("p_wrong", count(wrong)) : t("p_fine")));
    const now = JSON.stringify([paths, asked().open]);
    // Whoever marks a text in the table is not disturbed while nothing changes.
    if (now !== drawn) clear(rows, paths.map(row));
    drawn = now;
    write(status, [t("p_found", count(paths.length)), left > 0 && t("p_leftOut", count(left)), uncounted > 0 && t("c_uncounted", count(uncounted))].filter(Boolean).join(" "));
    open();
  };

  const list = async () => {
    const { open: _, ...wanted } = asked(), mine = turn += 1;
    last = performance.now();
    try {
      const fresh = await get(`paths?${queryOf(wanted)}`);
      if (!gone && mine === turn) { listing = fresh; show(); }
    } catch (failed) {
      if (!gone && mine === turn) write(status, told(failed));
    }
  };

  let searched = null;
  const turned = () => {
    const { open: _, ...wanted } = asked(), now = String(queryOf(wanted));
    mark.value = MARKS.includes(wanted.mark) ? wanted.mark : "";
    for (const name of FIELDS) inputs[name].value = wanted[name];
    for (const { form: name, link } of saves) link.href = `/api/v1/paths?${queryOf({ ...wanted, format: name })}`;
    if (now === searched) return show();
    searched = now;
    list();
  };

  clear(main, h("h1", null, t("paths")), h("p", { class: "lead" }, t("p_about")), attention, detail,
    h("section", { class: "panel" }, form, h("div", { class: "row saves" }, saves.map(({ link }) => link)), status,
      scroller(t("paths"), h("table", { id: "paths" },
        h("thead", null, h("tr", null, COLUMNS.map((name) => h("th", { scope: "col", class: name === "chain" ? "chain-of" : name }, t(`p_col_${name}`))))), rows))));
  turned();
  return {
    show: () => { if (performance.now() - last >= EVERY && !document.hidden) list(); },
    turned,
    gone: () => { gone = true; },
  };
};
