// Holds: calls that wait for a person, what was found in them, and what the person says. Words are shown only on request: that is recorded.
import { clear, foreign, h, keyed, mark, sign, write } from "./draw.js";
import { countdown, moment } from "./format.js";
import { ask } from "./isolate.js";
import { get, send } from "./server.js";
import { may } from "./session.js";
import { t, told } from "./texts.js";

const SHOWN = ["workload", "operator", "zone", "conduit", "provider", "model", "purpose", "sensitivity"];

const finding = (one) => h("li", { class: one.held_for ? "held-for" : null },
  h("p", null, one.held_for && sign("warning"), h("strong", null, foreign(one.label)),
    h("span", { class: "soft" }, " ", foreign(one.rule), " · ", foreign(one.place)),
    one.held_for && h("span", { class: "tag" }, t("heldForThis"))),
  one.text !== null && h("blockquote", { dir: "auto" }, foreign(one.before ?? ""), h("mark", null, foreign(one.text)), foreign(one.after ?? "")));

export const holdsPage = (main, { session, say }) => {
  let gone = false, known = null, chosen = null, skew = 0, holds = [], now = null;
  const can = { decide: may(session, "decide-hold"), see: may(session, "see-content") };
  const list = h("ul", { class: "calls", role: "list", id: "holds" });
  const none = h("p", { class: "soft fine", hidden: true }, t("noHolds"));
  const detail = h("section", { class: "panel detail", id: "hold", "aria-live": "polite" }, h("p", { class: "soft" }, t("chooseHold")));
  const left = (until) => (Date.parse(until) - Date.now() - skew) / 1000; // on the gateway's clock

  const showList = keyed(list, (one) => one.id, (one) => {
    const rest = h("span", { class: "rest mono" });
    const button = h("button", { type: "button", "data-id": one.id, onclick: () => choose(one.id) },
      h("span", { class: "row" }, h("strong", null, foreign(one.workload ?? "?")), " → ", foreign(one.provider ?? "?"), rest),
      h("span", { class: "soft" }, foreign(one.why)));
    return { element: h("li", null, button), show() {
      write(rest, t("left", countdown(left(one.until))));
      mark(rest, "warning", left(one.until) < 60);
      if (chosen?.id === one.id) button.setAttribute("aria-current", "true"); else button.removeAttribute("aria-current");
    } };
  });

  const decide = (decision) => ask({
    title: t(decision === "approve" ? "approve" : "refuseIt"), about: [], verb: t(decision === "approve" ? "approve" : "refuseIt"), danger: false,
    async act(reason) {
      await send(`holds/${encodeURIComponent(chosen.id)}/decision`, { decision, reason });
      say(t(decision === "approve" ? "approved" : "refusedNow"));
      chosen = null;
      await look();
    },
  });

  const showDetail = () => {
    if (!chosen) return clear(detail, h("p", { class: "soft" }, t(holds.length ? "chooseHold" : "noHolds")));
    const rest = h("dd", { class: "mono rest" });
    const facts = [["call", foreign(chosen.id, "mono")], ["since", moment(chosen.since)],
      ...SHOWN.filter((key) => chosen[key] !== null).map((key) => [key, foreign(chosen[key])])];
    const seen = chosen.found.some((one) => one.text !== null);
    clear(detail,
      h("h2", null, t("held_why")), h("p", { class: "why" }, foreign(chosen.why)),
      h("dl", null, facts.flatMap(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)]), h("dt", null, t("until")), rest),
      h("h3", null, t("foundIn")), h("ul", { class: "findings", role: "list" }, chosen.found.map(finding)),
      !seen && can.see && h("div", { class: "row" }, h("button", { type: "button", class: "button", id: "see", onclick: see }, t("showContent")),
        h("span", { class: "soft" }, t("contentRecorded"))),
      !can.see && h("p", { class: "soft" }, t("contentMayNot")),
      can.decide ? h("div", { class: "row decide" },
        h("button", { type: "button", class: "button main", id: "approve", onclick: () => decide("approve") }, t("approve")),
        h("button", { type: "button", class: "button", id: "refuse", onclick: () => decide("refuse") }, t("refuseIt")))
        : h("p", { class: "said note" }, t("mayNot", session.person.roles.join(", "))));
    tick();
  };

  const tick = () => {
    const rest = detail.querySelector("dd.rest");
    if (rest && chosen) write(rest, `${moment(chosen.until)} (${t("left", countdown(left(chosen.until)))})`);
  };

  const open = async (query) => {
    try {
      chosen = await get(`holds/${encodeURIComponent(chosen.id)}${query}`);
      if (!gone) showDetail();
    } catch (failed) { say(failed.status === 404 ? t("holdGone") : told(failed), "warning"); look(); }
  };
  const see = () => open("?content=true");
  const choose = (id) => { chosen = holds.find((one) => one.id === id) ?? null; if (chosen) open(""); showList(holds); };

  const look = async () => {
    try {
      holds = (await get("holds")).holds;
    } catch (failed) { return say(told(failed), "warning"); }
    if (gone) return;
    none.hidden = holds.length > 0;
    showList(holds);
    if (chosen && !holds.some((one) => one.id === chosen.id)) { chosen = null; say(t("holdGone"), "warning"); }
    // Nothing is redrawn under the hands of who is reading it.
    if (!chosen) showDetail();
  };

  clear(main, h("h1", null, t("holds")), h("p", { class: "lead" }, t("holdsAbout")),
    h("div", { class: "pair wide" }, h("section", { class: "panel", "aria-label": t("holds") }, none, list), detail));
  return {
    show(given) {
      now = given;
      skew = Date.parse(now.at) - Date.now();
      if (known !== now.holds_mark) { known = now.holds_mark; look(); }
      showList(holds);
      tick();
    },
    gone: () => { gone = true; },
  };
};
