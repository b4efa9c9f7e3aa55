// The last day, minute by minute, drawn by uPlot: how many calls, and how long they took. Whoever does not look at drawings has the hours as a table.
import { clear, h, scroller, write } from "./draw.js";
import { count, millis, minute, moment, zoneName } from "./format.js";
import { recordsAt } from "./records.js";
import { get } from "./server.js";
import { t } from "./texts.js";

const MINUTE = 60;
const LEAST = 30;
const HEIGHT = 128;
const SIDE = 58;

const colour = (name) => () => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const LINES = { calls: [["went", "--went", 1], ["refused", "--data", 2], ["failed", "--warning", 3]], times: [["half", "--note", 4], ["most", "--bar", 5]] };

// uPlot is no module and comes after the page, so that nothing waits for it.
const loaded = () => new Promise((then) => {
  if (document.readyState === "complete") then(); else addEventListener("load", then, { once: true });
});

const chart = (place, lines, least, told, seen) => {
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 0.5 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return new uPlot({
    width: Math.max(place.clientWidth, 200), height: HEIGHT, legend: { show: false }, tzDate: (at) => uPlot.tzDate(new Date(at * 1000), zoneName()),
    cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false }, sync: { key: "day" } },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(least, (high ?? 0) * 1.1)] } },
    axes: [{ ...axis, size: 28, space: 80, values: (_, times) => times.map((at) => minute(at * 1000)) },
      { ...axis, size: SIDE, space: 30, values: (_, numbers) => numbers.map(told) }],
    series: [{}, ...lines.map(([, name], index) => ({ stroke: colour(name), width: 1.5, points: { size: 4 }, fill: index === 0 ? colour("--chip") : undefined }))],
    hooks: { setCursor: [seen], setScale: [seen] },
  }, null, place);
};

// What was told, as columns: times in seconds, then one column for each line. A gateway that has just begun has empty minutes before.
const columns = ({ began, minutes }) => {
  const missing = Math.max(0, LEAST - minutes.length);
  const first = Date.parse(began) / 1000 - missing * MINUTE;
  const all = [...Array(missing).fill([null, null, null, null, null]), ...minutes];
  return [all.map((_, index) => first + index * MINUTE), ...[0, 1, 2, 3, 4].map((place) => all.map((one) => one[place]))];
};

const sum = (numbers) => numbers.reduce((all, one) => all + one, 0);

const hours = ([times, ...lines]) => {
  const all = new Map();
  times.forEach((at, index) => {
    if (lines[0][index] === null) return;
    const hour = at - at % 3600;
    if (!all.has(hour)) all.set(hour, []);
    all.get(hour).push(index);
  });
  return [...all].reverse().map(([hour, places]) => h("tr", null, h("th", { scope: "row" }, moment(hour * 1000)),
    [0, 1, 2].map((line) => h("td", { class: "calls" }, count(sum(places.map((place) => lines[line][place]))))),
    h("td", { class: "p95" }, millis(Math.max(...places.map((place) => lines[4][place] ?? 0)) || null))));
};

export const dayPanel = () => {
  const places = { calls: h("div", { class: "chart" }), times: h("div", { class: "chart" }) };
  const legends = {};
  const drawing = h("div", { role: "img", id: "day-drawing" }, Object.entries(places).map(([kind, place]) => [
    h("p", { class: "legend", "aria-hidden": "true" }, LINES[kind].map(([name, , column]) => {
      const number = h("span", { class: "mono" });
      legends[column] = number;
      return h("span", { class: `line l-${name}` }, h("i"), t(name), " ", number);
    })), place]).flat());
  const at = h("span", { class: "mono soft" });
  const whole = h("button", { type: "button", class: "quiet", id: "day-whole", hidden: true }, t("dayWhole"));
  const records = h("a", { id: "day-records", hidden: true });
  const rows = h("tbody");
  const element = h("section", { class: "panel", id: "day" }, h("h2", null, t("day")), drawing, h("p", { class: "row foot" }, at, records, whole),
    h("details", null, h("summary", null, t("byHour")), scroller(t("byHour"),
      h("table", { id: "hours" }, h("thead", null, h("tr", null, [["time", "col_time"], ["calls", "went"], ["calls", "refused"], ["calls", "failed"], ["p95", "most"]].map(([name, key]) => h("th", { class: name, scope: "col" }, t(key))))), rows))));
  let charts = [], data = null, asked = null, gone = false;

  const span = () => charts[0].scales.x;
  const isWhole = () => span().min <= data[0][0] && span().max >= data[0].at(-1);
  // The numbers under the pointer; of the minute of now, if it points at nothing.
  const seen = (from) => {
    if (charts.length < 2 || !data) return;
    const index = from.cursor.idx ?? data[0].length - 1;
    write(at, minute(data[0][index] * 1000));
    Object.entries(legends).forEach(([column, number]) => write(number, (column < 4 ? count : millis)(data[column][index])));
    const [first, last] = [Math.floor(span().min / MINUTE) * MINUTE, Math.ceil(span().max / MINUTE) * MINUTE];
    whole.hidden = records.hidden = isWhole();
    write(records, t("dayRecords", minute(first * 1000), minute(last * 1000)));
    records.href = recordsAt({ since: first * 1000, until: last * 1000 });
  };

  const show = (told) => {
    const kept = data && !isWhole();
    data = columns(told);
    const [times, ...lines] = data;
    const shown = [[times, ...lines.slice(0, 3)], [times, ...lines.slice(3)]];
    if (charts.length === 0) charts = [chart(places.calls, LINES.calls, 4, count, seen), chart(places.times, LINES.times, 1, millis, seen)];
    charts.forEach((one, index) => one.setData(shown[index], !kept));
    drawing.setAttribute("aria-label", t("dayOf", moment(told.began), ...lines.slice(0, 3).map((line) => count(sum(line)))));
    clear(rows, hours(data));
    seen(charts[0]);
  };

  const reset = () => charts.forEach((one) => one.setScale("x", { min: data[0][0], max: data[0].at(-1) }));
  whole.addEventListener("click", reset);
  const size = new ResizeObserver(() => charts.forEach((one, index) =>
    one.setSize({ width: Math.max(Object.values(places)[index].clientWidth, 200), height: HEIGHT })));
  size.observe(drawing);
  const theme = () => charts.forEach((one) => one.redraw());
  addEventListener("theme", theme);

  return {
    element,
    // Asks again once the minute has turned.
    async turn(now) {
      const turned = Math.floor(Date.parse(now.slot_began) / 60_000);
      if (turned === asked) return;
      asked = turned;
      try {
        const [told] = await Promise.all([get("history"), loaded()]);
        if (!gone) show(told);
      } catch { asked = null; /* what is shown stays; that it grows old is said above */ }
    },
    gone() {
      gone = true;
      size.disconnect();
      removeEventListener("theme", theme);
      charts.forEach((one) => one.destroy());
    },
  };
};
