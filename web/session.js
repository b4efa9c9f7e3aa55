// Who is signed in; and the page for those who are not.
import { foreign, h } from "./draw.js";
import { get, send, remove, useToken } from "./server.js";
import { t } from "./texts.js";
import { useZone } from "./format.js";

const settle = (session) => {
  useToken(session.token);
  if (session.time_zone) useZone(session.time_zone);
  return session;
};

export const current = async () => settle(await get("session"));
export const follow = async (link) => settle((await send("session", { link })).body);
export const leave = async () => { await remove("session"); useToken(null); };
export const may = (session, right) => session.person.rights.includes(right);

// Keeps the session of somebody who does something from becoming idle; a page that is only looked at does not.
export const keepAlive = () => {
  let last = Date.now();
  const acted = () => {
    if (Date.now() - last < 60_000) return;
    last = Date.now();
    get("session").catch(() => {});
  };
  for (const event of ["pointerdown", "keydown"]) addEventListener(event, acted, { passive: true });
};

// The page for whoever is nobody here yet. `why` names a text.
export const signInPage = ({ issuer }, why) => h("main", { class: "entrance", id: "content" },
  h("div", { class: "panel" },
    h("h1", null, "Penstock"),
    h("p", { class: "soft" }, t("entrance")),
    why && h("p", { class: "said warning", role: "alert" }, t(why)),
    issuer && h("a", { class: "button main", href: "/sign-in", id: "sign-in" }, t("signInAtIssuer")),
    h("h2", null, t(issuer ? "orByLink" : "byLink")),
    h("p", null, t("linkHow")),
    h("pre", null, h("code", null, "penstock admin link"))));

// The page for whom the issuer knows, and this plant has given nothing to do.
export const nothingPage = (session, out) => h("main", { class: "entrance", id: "content" },
  h("div", { class: "panel" },
    h("h1", null, t("noRole")),
    h("p", null, t("noRoleHow")),
    h("p", null, foreign(session.person.name, "mono")),
    h("button", { class: "button", type: "button", onclick: out }, t("signOut"))));
