// What a person has chosen for this browser: theme and language. Nothing of the plant is kept in a browser.
const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
const write = (key, value) => { try { localStorage.setItem(key, value); } catch { /* it lasts as long as the page, then */ } };

const LANGUAGES = ["en", "de"];
let language = LANGUAGES.includes(read("language")) ? read("language") : navigator.language.startsWith("de") ? "de" : "en";

export const settings = {
  get language() { return language; },
  get theme() { return document.documentElement.dataset.theme; },
  turnTheme() {
    write("theme", settings.theme === "dark" ? "light" : "dark");
    dispatchEvent(new Event("theme"));
  },
  turnLanguage() {
    language = LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];
    write("language", language);
  },
};
