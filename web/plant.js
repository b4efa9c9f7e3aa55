// Plant: the plant's files as they lie on the disk, what of them is in force, and drafts that are tried out before anybody puts them there.
import { clear, foreign, h, keep, mark, scroller, sign, write } from "./draw.js";
import { count, moment } from "./format.js";
import { get, send } from "./server.js";
import { may } from "./session.js";
import { t, told } from "./texts.js";

const short = (digest) => h("span", { class: "mono", title: digest }, digest.slice(0, 16));

const EFFECTS = ["opens", "closes", "changes"];

const differences = (list) => list.length === 0 ? [h("p", { class: "soft" }, t("noDifference"))]
  : EFFECTS.filter((effect) => list.some((one) => one.effect === effect)).flatMap((effect) => [
    h("h3", null, t(effect)),
    h("ul", { class: `differences ${effect}` }, list.filter((one) => one.effect === effect).map((one) =>
      h("li", null, h("strong", null, foreign(one.place)), " ", foreign(one.text))))]);

const table = (heads, rows, caption) => scroller(caption,
  h("table", null, h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", null, rows)));

const replay = (told) => [
  h("h3", null, t("replayed")),
  h("p", null, told.calls === 0 ? t("nothingToReplay") : t("replayTold", count(told.calls), moment(told.since), count(told.changed))),
  told.changed > 0 && table([t("conduit"), t("workload"), t("calls"), t("passNow"), t("refusedThen"), t("otherwise"), t("doubtful")],
    told.tallies.filter((one) => one.opens + one.closes + one.changes > 0).map((one) => h("tr", null,
      h("th", { scope: "row" }, foreign(one.conduit)), h("td", null, foreign(one.workload)),
      [one.calls, one.opens, one.closes, one.changes, one.doubtful].map((number) => h("td", { class: "mono" }, count(number))))), t("replayed")),
  told.list.length > 0 && table([t("call"), t("since"), t("workload"), t("conduit"), t("inForceNow"), t("inDraft")],
    told.list.map((one) => h("tr", null, h("th", { scope: "row", class: "mono" }, foreign(one.record)), h("td", { class: "mono" }, moment(one.time)),
      h("td", null, foreign(one.workload)), h("td", null, foreign(one.conduit)), h("td", null, foreign(one.in_force)),
      h("td", null, foreign(one.draft), one.doubtful && h("span", { class: "soft" }, ` (${t("doubtful")})`)))), t("replayed")),
  told.calls > 0 && h("details", null, h("summary", null, t("notReplayed")), h("ul", null, told.not_replayed.map((one) => h("li", null, foreign(one))))),
].filter(Boolean);

// What a draft, or what lies on the disk, comes to. `go` leads to a line of a file.
const verdict = (tried, standing, go) => {
  const place = (one) => go ? h("button", { type: "button", class: "quiet mono", onclick: () => go(one.file, one.line) }, foreign(`${one.file}:${one.line}`))
    : h("span", { class: "mono" }, foreign(`${one.file}:${one.line}`));
  const listed = (severity, level) => {
    const these = tried.problems.filter((one) => one.severity === severity);
    return these.length > 0 && h("ul", { class: "problems" }, these.map((one) => h("li", null, sign(level), place(one), " ", foreign(one.message),
      one.help && h("small", { class: "soft" }, " ", foreign(one.help)))));
  };
  const warnings = tried.problems.filter((one) => one.severity === "warning").length;
  return [
    tried.digest === null ? h("p", { class: "said alarm" }, sign("alarm"), t("cannotComeIntoForce")) : null,
    listed("error", "alarm"),
    ...tried.digest === null ? [] : differences(tried.differences),
    tried.digest !== null && standing.approvals > 0 && tried.digest !== standing.in_force && h("p", null, t("approvedBySome", tried.approved_by.length, standing.approvals),
      " ", foreign(tried.approved_by.join(", ")), " ", short(tried.digest)),
    ...tried.replay ? replay(tried.replay) : [],
    warnings > 0 && h("details", null, h("summary", null, t("toLookAt", warnings)), listed("warning", "warning")),
  ].filter(Boolean);
};

export const plantPage = (main, { session, say }) => {
  const can = { change: may(session, "change"), see: may(session, "change") || may(session, "see-content") };
  let gone = false, standing = null, drafts = new Map(), chosen = null;

  const facts = h("dl", { id: "in-force" });
  const waits = h("section", { class: "panel", id: "waits", hidden: true });
  const tabs = h("div", { class: "row", id: "files" });
  const text = h("textarea", { id: "text", spellcheck: "false", autocomplete: "off", readonly: !can.change, oninput: () => typed() });
  const name = h("label", { for: "text" });
  const result = h("section", { class: "panel", id: "tried", "aria-live": "polite", hidden: true });
  const button = (id, label, act, main) => h("button", { type: "button", class: main ? "button main" : "button", id, disabled: true, onclick: act }, t(label));
  const tryIt = button("try", "tryOut", () => tryOut(), true), back = button("undo", "undo", () => undo()), save = button("save", "saveFile", () => keep(chosen.split("/").pop(), "text/plain", text.value));

  const own = (path) => standing.files.find((one) => one.path === path);
  const changed = () => standing.files.filter((one) => drafts.has(one.path));
  const typed = () => {
    if (text.value === own(chosen).text) drafts.delete(chosen); else drafts.set(chosen, text.value);
    marks();
  };
  const marks = () => {
    tryIt.disabled = back.disabled = changed().length === 0;
    save.disabled = chosen === null;
    for (const tab of tabs.children) {
      mark(tab, "changed", drafts.has(tab.dataset.path));
      if (tab.dataset.path === chosen) tab.setAttribute("aria-current", "true"); else tab.removeAttribute("aria-current");
    }
  };
  const choose = (path) => {
    chosen = path;
    text.value = drafts.get(path) ?? own(path).text;
    write(name, path);
    marks();
  };
  const go = (path, line) => {
    const file = standing.files.find((one) => one.path === path || one.path.endsWith(`/${path}`));
    if (!file) return;
    choose(file.path);
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((all, one) => all + one.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
    text.scrollTop = text.scrollHeight * Math.max(0, line - 4) / Math.max(1, lines.length);
  };
  const undo = () => { drafts = new Map(); result.hidden = true; choose(chosen); };

  const tryOut = async () => {
    tryIt.disabled = true;
    try {
      const { body } = await send("drafts", { files: Object.fromEntries(drafts) });
      if (gone) return;
      const fine = body.digest !== null;
      clear(result, h("h2", null, t("tried")), ...verdict(body, standing, go),
        fine && h("p", { class: "soft" }, t(standing.approvals > 0 ? "nextApproved" : "next")), fine && h("pre", null, h("code", null,
          standing.approvals > 0 ? `penstock approve sign DRAFT --digest ${body.digest} --key FILE` : "penstock reload")));
      result.hidden = false;
    } catch (failed) {
      say(told(failed), "alarm");
    }
    marks();
  };

  const reload = async () => {
    try {
      await send("reloads");
      say(t("done", t("readAnew")));
    } catch (failed) {
      say(failed.status === 422 ? t("cannotComeIntoForce") : told(failed), "alarm");
    }
    await look();
  };

  const look = async () => {
    const fresh = await get("plant").catch((failed) => { say(told(failed), "alarm"); return null; });
    if (gone || !fresh) return;
    standing = fresh;
    clear(facts, h("dt", null, t("digest")), h("dd", null, short(standing.in_force)),
      h("dt", null, t("nextTakes")), h("dd", null, standing.approvals === 0 ? t("nobodysApproval") : t("approvalsOf", standing.approvals),
        " ", standing.approvals > 0 && foreign(standing.approvers.join(", "))));
    waits.hidden = standing.waits === null;
    if (standing.waits) {
      clear(waits, h("h2", null, t("waitsOnDisk")), ...verdict(standing.waits, standing, can.see ? go : null),
        can.change && h("div", { class: "row" }, h("button", { type: "button", class: "button", id: "reload", onclick: reload }, t("readAnew"))));
    }
    clear(tabs, standing.files.map((one) => h("button", { type: "button", class: "button tab", "data-path": one.path, onclick: () => choose(one.path) }, foreign(one.path))));
    if (standing.files.length > 0) choose(own(chosen) ? chosen : standing.files[0].path);
  };

  clear(main,
    h("h1", null, t("plant")), h("p", { class: "lead" }, t("plantAbout")),
    h("section", { class: "panel" }, h("h2", null, t("inForce")), facts), waits,
    can.see ? h("section", { class: "panel", id: "draft" }, h("h2", null, t("files")), tabs, name, text,
      h("div", { class: "row" }, can.change && tryIt, can.change && back, save, can.change && h("span", { class: "soft" }, t("nothingKept"))))
      : h("p", { class: "said note" }, t("filesMayNot")),
    result);
  look();
  return { gone: () => { gone = true; } };
};
