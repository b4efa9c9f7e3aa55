// The frame around the pages: who is signed in, what is shown, and what the gateway tells live.
import { clear, foreign, h, mark, sign, write } from "./draw.js";
import { clock, stamp, zoneName } from "./format.js";
import { Live } from "./live.js";
import { componentsPage } from "./components.js";
import { holdsPage } from "./holds.js";
import { isolatePage } from "./isolate.js";
import { mapPage } from "./map.js";
import { nowPage } from "./now.js";
import { oversightPage } from "./oversight.js";
import { pathsPage } from "./paths.js";
import { plantPage } from "./plant.js";
import { recordsPage } from "./records.js";
import { current, follow, keepAlive, leave, nothingPage, signInPage } from "./session.js";
import { whenLost } from "./server.js";
import { settings } from "./settings.js";
import { t } from "./texts.js";

const PAGES = [["now", nowPage], ["map", mapPage], ["isolate", isolatePage], ["holds", holdsPage], ["records", recordsPage], ["oversight", oversightPage], ["components", componentsPage], ["paths", pathsPage], ["plant", plantPage]];

const PAGE_NAMES = { records: "records_page" };

let session = null;
let live = null;
let latest = null;
let shown = null;

const asked = () => {
  const [name] = location.hash.replace(/^#\/?/, "").split("?");
  return PAGES.some(([known]) => known === name) ? name : "now";
};

// A frame in the language of now, around the page that is asked for.
const frame = () => {
  document.documentElement.lang = settings.language;
  const badge = h("span", { class: "badge", hidden: true });
  const links = PAGES.map(([name]) => h("a", { href: `#/${name}`, id: `to-${name}` },
    h("span", null, t(PAGE_NAMES[name] ?? name)), name === "holds" ? badge : null));
  const plant = h("span", { class: "plant" });
  const time = h("time", { class: "clock mono", title: t("plantTime", zoneName()) });
  const state = h("span", { class: "state", role: "status" }, t("waitingForData"));
  const theme = h("button", { type: "button", class: "quiet", id: "theme", onclick: () => { settings.turnTheme(); nameTheme(); } });
  const nameTheme = () => write(theme, t(settings.theme === "dark" ? "light" : "dark"));
  nameTheme();
  const language = h("button", { type: "button", class: "quiet", id: "language", lang: settings.language === "de" ? "en" : "de",
    onclick: () => { settings.turnLanguage(); begin(); } }, t("otherLanguage"));
  const main = h("main", { id: "content", tabindex: "-1" });
  const since = h("span");
  const outage = h("p", { class: "said alarm outage", role: "alert", hidden: true }, sign("alarm"), since);
  const signals = h("div", { class: "signals", "aria-live": "polite" });
  clear(document.body,
    h("a", { class: "skip", href: "#content", onclick: (event) => { event.preventDefault(); main.focus(); } }, t("skip")),
    h("header", null,
      h("div", { class: "who" }, h("span", { class: "brand" }, "Penstock"), plant),
      h("nav", { "aria-label": t("pages") }, links),
      h("div", { class: "tools" }, state, time, theme, language,
        h("span", { class: "person" }, h("span", { class: "unseen" }, t("signedInAs")), " ", foreign(session.person.name),
          h("small", null, session.person.roles.join(", "))),
        h("button", { type: "button", class: "quiet", id: "sign-out", onclick: out }, t("signOut")))),
    outage, main, signals);
  const say = (text, level = "note") => {
    const line = h("p", { class: `said ${level}` }, sign(level), h("span", null, foreign(text)));
    signals.append(line);
    setTimeout(() => line.remove(), 8_000);
  };
  const page = () => {
    const name = asked();
    links.forEach((link) => link.getAttribute("href") === `#/${name}` ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current"));
    document.title = `${t(PAGE_NAMES[name] ?? name)} · Penstock`;
    // A page that keeps what is asked for in its address follows it by itself.
    if (shown?.turned && shown.name === name) { shown.turned(); return true; }
    shown?.gone?.();
    shown = PAGES.find(([known]) => known === name)[1](main, { session, say, live });
    shown.name = name;
    if (latest) shown.show?.(latest);
    return false;
  };
  return {
    page, main,
    show(now) {
      write(plant, `${now.plant} / ${now.gateway}`);
      write(time, clock(now.at));
      time.title = `${stamp(now.at)} (${zoneName()})`;
      badge.hidden = now.held === 0;
      write(badge, now.held);
      shown?.show?.(now);
    },
    state(fresh) {
      write(state, fresh ? t("live") : t("stale", latest ? clock(latest.at) : "?"));
      mark(document.body, "stale", !fresh);
      write(since, fresh ? "" : t("outage", latest ? stamp(latest.at) : "?"));
      outage.hidden = fresh;
    },
  };
};

let framed = null;

const begin = () => {
  live?.end();
  shown?.gone?.();
  shown = null;
  live = new Live({
    heard: (now) => { latest = now; framed.show(now); },
    over: () => entrance("sessionOver"),
    state: (fresh) => framed.state(fresh),
  });
  framed = frame();
  framed.page();
  live.begin();
};

const out = async () => {
  try { await leave(); } finally { await entrance(); }
};

// The page for whoever is nobody here yet.
async function entrance(why) {
  live?.end();
  shown?.gone?.();
  live = shown = latest = null;
  const nobody = await current().catch(() => ({ issuer: false, person: null }));
  document.documentElement.lang = settings.language;
  document.title = "Penstock";
  document.body.classList.remove("stale");
  clear(document.body, signInPage(nobody, why));
}

const arrive = async () => {
  const [, link] = location.hash.match(/^#link=([0-9a-f]{64})$/) ?? [];
  const failed = location.hash === "#sign-in-failed";
  // A secret does not stay in the address, nor in what the browser remembers of it.
  if (link || failed) history.replaceState(null, "", "/");
  if (link) {
    try { session = await follow(link); } catch { return entrance("linkOver"); }
  } else {
    session = await current();
  }
  if (!session.person) return entrance(failed ? "signInFailed" : undefined);
  document.documentElement.lang = settings.language;
  if (session.person.roles.length === 0) return clear(document.body, nothingPage(session, out));
  begin();
};

whenLost(() => { if (live) entrance("sessionOver"); });
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#link=")) return arrive();
  if (live && !framed.page()) { framed.main.focus({ preventScroll: true }); scrollTo(0, 0); }
});
keepAlive();
arrive().catch(() => entrance());
