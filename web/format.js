// Numbers and times as people of the plant read them: in their language, in the plant's time zone.
import { settings } from "./settings.js";

let zone = "UTC";
export const useZone = (name) => {
  try { new Intl.DateTimeFormat("en", { timeZone: name }); zone = name; } catch { zone = "UTC"; }
};
export const zoneName = () => zone;

const kept = new Map();
const made = (kind, options, make) => {
  const key = `${settings.language} ${zone} ${kind} ${JSON.stringify(options)}`;
  if (!kept.has(key)) kept.set(key, make(settings.language === "de" ? "de-DE" : "en-GB", options));
  return kept.get(key);
};
const numbers = (options) => made("number", options, (locale) => new Intl.NumberFormat(locale, options));
const times = (options) => made("time", options, (locale) => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options }));

export const count = (number) => numbers({ maximumFractionDigits: 0 }).format(number ?? 0);

const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const MINUTE = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
const DAY = { year: "numeric", month: "2-digit", day: "2-digit" };
export const minute = (at) => times(MINUTE).format(new Date(at));
export const clock = (at) => times(CLOCK).format(new Date(at));
export const moment = (at) => {
  const then = new Date(at);
  const today = times(DAY).format(new Date()) === times(DAY).format(then);
  return today ? times(CLOCK).format(then) : times({ ...DAY, ...CLOCK }).format(then);
};
export const stamp = (at) => times({ ...DAY, ...CLOCK, timeZoneName: "short" }).format(new Date(at));

// A moment as a field of a form has it, in the plant's time zone, and back. Where a clock is set back, its first hour is meant.
const parts = (at) => Object.fromEntries(times({ ...DAY, ...CLOCK }).formatToParts(new Date(at)).map(({ type, value }) => [type, value]));
export const toLocal = (at) => {
  if (!/^[0-9]{1,15}$/.test(at)) return "";
  const { year, month, day, hour, minute, second } = parts(Number(at));
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`;
};
export const fromLocal = (text) => {
  const wanted = Date.parse(`${text}Z`);
  if (Number.isNaN(wanted)) return "";
  let at = wanted;
  for (let tries = 0; tries < 3; tries += 1) at += wanted - Date.parse(`${toLocal(String(at))}Z`);
  return String(at);
};

export const millis = (ms) => {
  if (ms === null || ms === undefined) return "–";
  if (ms < 1) return `${numbers({ maximumSignificantDigits: 2 }).format(ms)} ms`;
  if (ms < 995) return `${numbers({ maximumSignificantDigits: 2 }).format(ms)} ms`;
  return `${numbers({ maximumSignificantDigits: 2 }).format(ms / 1000)} s`;
};

export const span = (seconds) => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
};
export const countdown = (seconds) => {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
export const bytes = (number) => {
  let step = 0, left = number ?? 0;
  while (left >= 1024 && step < UNITS.length - 1) { left /= 1024; step += 1; }
  return `${numbers({ maximumSignificantDigits: 3 }).format(left)} ${UNITS[step]}`;
};
