// Isolate: what is shut, what waits for a second person, and every part that can be shut.
import { clear, foreign, h, keyed, mark, scroller, write } from "./draw.js";
import { moment } from "./format.js";
import { get, send } from "./server.js";
import { may } from "./session.js";
import { t, told } from "./texts.js";

// The longest reason that the gateway takes.
const REASON = 500;

// Asks why, and does it. Gives nothing back: what comes of it is told.
export const ask = ({ title, about, verb, danger, act }) => {
  const reason = h("input", { id: "reason", name: "reason", required: true, maxlength: REASON, autocomplete: "off", spellcheck: "true" });
  const problem = h("p", { class: "said alarm", role: "alert", hidden: true });
  const go = h("button", { type: "submit", class: danger ? "button main danger" : "button main", id: "confirm" }, verb);
  const heading = h("h2", { id: "asked" }, title);
  const form = h("form", { method: "dialog" }, heading, about.map((line) => h("p", { class: "soft" }, line)),
    h("label", { for: "reason" }, t("reason")), reason, problem,
    h("div", { class: "row" }, go, h("button", { type: "button", class: "button", onclick: () => dialog.close() }, t("cancel"))));
  const dialog = h("dialog", { "aria-labelledby": "asked" }, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!reason.value.trim()) return reason.focus();
    go.disabled = true;
    try {
      await act(reason.value.trim());
      dialog.close();
    } catch (failed) {
      write(problem, told(failed));
      problem.hidden = false;
      go.disabled = false;
    }
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  reason.focus();
};

const named = (part) => part === "everything" ? t("everything") : part === "external" ? t("externalPart") : part;

const table = (caption, heads, id) => {
  const rows = h("tbody");
  const element = scroller(caption,
    h("table", { id }, h("thead", null, h("tr", null, heads.map((head) => h("th", { scope: "col" }, head)), h("td"))), rows));
  return { rows, element };
};

export const isolatePage = (main, { session, say }) => {
  let map = null, gone = false;
  const allowed = { isolate: may(session, "isolate"), restore: may(session, "restore") };
  const roles = session.person.roles.join(", ");

  const wish = (deed, part) => {
    const verb = t(deed === "isolate" ? "isolateIt" : "restoreIt", named(part));
    const two = map?.two_people.includes(deed);
    ask({ title: verb, about: two ? [t("needsTwo")] : [], verb: t(deed), danger: deed === "isolate", async act(reason) {
      const { status } = await send(deed === "isolate" ? "isolations" : "restorations", { part, reason });
      say(t(status === 202 ? "waits" : "done", verb), status === 202 ? "warning" : "note");
      show(await get("isolations"));
    } });
  };

  const shut = table(t("isolatedNow"), [t("part"), t("since"), t("by"), t("why")], "isolated");
  const open = h("p", { class: "soft fine" }, t("nothingIsolated"));
  const showShut = keyed(shut.rows, (one) => one.part + one.since, (one) => ({ element: h("tr", { "data-part": one.part },
    h("th", { scope: "row" }, foreign(named(one.part))), h("td", { class: "mono" }, moment(one.since)),
    h("td", null, foreign(one.by), one.approver && h("small", { class: "soft" }, ` ${t("approvedBy")} `, foreign(one.approver))), h("td", null, foreign(one.reason)),
    h("td", null, allowed.restore && h("button", { type: "button", class: "button", "aria-label": t("restoreIt", named(one.part)),
      onclick: () => wish("restore", one.part) }, t("restore")))) }));

  const pending = table(t("waitsForSecond"), [t("part"), t("until"), t("by"), t("why")], "waiting");
  const waiting = h("section", { class: "panel", hidden: true }, h("h2", null, t("waitsForSecond")), pending.element);
  const showWaiting = keyed(pending.rows, (one) => one.wish + one.part + one.until, (one) => {
    const own = one.by.startsWith(`${session.person.name} (`);
    const can = allowed[one.wish] && !own;
    return { element: h("tr", { "data-part": one.part },
      h("th", { scope: "row" }, t(one.wish), " ", foreign(named(one.part))), h("td", { class: "mono" }, moment(one.until)),
      h("td", null, foreign(one.by)), h("td", null, foreign(one.reason)),
      h("td", null, can ? h("button", { type: "button", class: "button", "aria-label": t("agreeTo", t(one.wish), named(one.part)),
        onclick: () => wish(one.wish, one.part) }, t("agree")) : own ? h("span", { class: "soft" }, t("ownWish")) : "")) };
  });

  let shutParts = new Set();
  const part = (name, about) => {
    const button = h("button", { type: "button", class: "part", "data-part": name, disabled: !allowed.isolate, onclick: () => wish("isolate", name) },
      h("strong", null, foreign(named(name).replace(/^\w+:/, ""))), h("span", { class: "soft" }, ...about));
    const state = h("span", { class: "state-of", hidden: true }, t("alreadyIsolated"));
    button.append(state);
    return { name, button, show() {
      const is = shutParts.has(name);
      state.hidden = !is;
      mark(button, "shut", is);
      button.disabled = !allowed.isolate || is;
    } };
  };
  const parts = [part("everything", [t("everythingAbout")]), part("external", [t("externalAbout")])];
  const groups = h("div", { class: "groups" });
  const none = h("p", { class: "soft", hidden: true }, t("noneFound"));
  const search = h("input", { type: "search", id: "find", autocomplete: "off", oninput: () => filter() });
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    let found = 0;
    for (const group of groups.children) {
      let here = 0;
      for (const button of group.querySelectorAll(".part")) {
        button.hidden = !button.textContent.toLowerCase().includes(wanted);
        here += button.hidden ? 0 : 1;
      }
      group.hidden = here === 0;
      found += here;
    }
    none.hidden = found > 0;
  };
  const group = (title, kind, entries) => entries.length > 0 && h("section", { class: "group" }, h("h3", null, title), h("div", { class: "parts" },
    entries.map(([name, about]) => { const made = part(`${kind}:${name}`, about); parts.push(made); return made.button; })));

  const show = ({ isolated, waiting: asked }) => {
    if (gone) return;
    open.hidden = isolated.length > 0;
    shut.element.hidden = isolated.length === 0;
    showShut(isolated);
    waiting.hidden = asked.length === 0;
    showWaiting(asked);
    shutParts = new Set(isolated.map((one) => one.part));
    parts.forEach((one) => one.show());
  };

  clear(main,
    h("h1", null, t("isolate")), h("p", { class: "lead" }, t("isolateAbout")),
    h("section", { class: "panel" }, h("h2", null, t("isolatedNow")), open, shut.element), waiting,
    h("section", { class: "panel" }, h("h2", null, t("toIsolate")),
      !allowed.isolate && h("p", { class: "said note" }, t("mayNot", roles)),
      h("div", { class: "parts great" }, parts.map((one) => one.button)),
      h("label", { for: "find" }, t("find")), search, none, groups));
  get("map").then((given) => {
    if (gone) return;
    map = given;
    clear(groups,
      group(t("providers"), "provider", map.providers.map((one) => [one.name, [foreign(one.zone), " · ", foreign(one.supplier)]])),
      group(t("zones"), "zone", map.zones.map((one) => [one.name, [t("level", one.level), one.external ? ` · ${t("external")}` : ""]])),
      group(t("conduits"), "conduit", map.conduits.map((one) => [one.name, [foreign(one.from.join(", ")), " → ", foreign(one.to)]])),
      group(t("workloads"), "workload", map.workloads.map((one) => [one.name, [foreign(one.zone), one.owner ? " · " : "", one.owner ? foreign(one.owner) : ""]])));
    parts.forEach((one) => one.show());
  }).catch((failed) => say(told(failed), "alarm"));
  return { show: (now) => show(now.isolations), gone: () => { gone = true; } };
};
