// Map: zones by Purdue level from top to bottom, the providers in them, and the conduits between. Drawn anew each time from the plant in force.
import { clear, foreign, h, keep, mark, plain, scroller, svg, write } from "./draw.js";
import { count, moment } from "./format.js";
import { recordsAt } from "./records.js";
import { register } from "./register.js";
import { get } from "./server.js";
import { t, told } from "./texts.js";

const LEVELS = ["5", "4", "3.5", "3", "2", "1", "0"];
const WIDTH = 1120, LEFT = 84, GAP = 18, CHIP = 24, HEAD = 46;
// Where stands what nobody declared, and how many such paths are drawn. The others are in the table.
const NOWHERE = "?", DRAWN = 24, EVERY = 10_000;

const unique = (chips) => [...new Map(chips.map((chip) => [`${chip.zone} ${chip.name}`, chip])).values()];
// Who calls and is no workload of the plant, in the zone that the address lies in.
const strangers = (map, strays) => unique(strays.filter((one) => !map.workloads.some((known) => one.workload && known.name === one.caller))
  .map((one) => ({ kind: "stranger", name: one.caller, zone: one.zone })));
// What stands in no zone of the plant: callers, and where they want to go.
const outsiders = (map, strays, zones) => [...strangers(map, strays).filter((one) => !zones.has(one.zone)),
  ...unique(strays.filter((one) => !map.providers.some((known) => known.name === one.provider)).map((one) => ({ kind: "stranger", name: one.provider ?? t("s_unknown"), target: true })))];

// The records of an undeclared path. An address is no filter: why it was refused is.
const recordsOf = (one) => recordsAt(one.reason === null ? { workload: one.caller, conduit: one.conduit, provider: one.provider }
  : { kind: "refuse", reason: one.reason, workload: one.workload ? one.caller : "", provider: one.provider });


// Where everything stands: a band for each level that has zones, zones beside each other, providers and workloads in them.
const layout = (map, strays) => {
  const bands = [], places = { zones: new Map(), providers: new Map() };
  let top = 8;
  const own = new Set(map.zones.map((zone) => zone.name)), nowhere = outsiders(map, strays, own);
  for (const level of [...LEVELS, ...nowhere.length > 0 ? [NOWHERE] : []]) {
    const zones = level === NOWHERE ? [{ name: NOWHERE, title: t("s_nowhere"), external: true, owner: "", nowhere: true }] : map.zones.filter((zone) => zone.level === level);
    if (zones.length === 0) continue;
    const columns = Math.min(zones.length, 4);
    const width = (WIDTH - LEFT - GAP * (columns + 1)) / columns;
    let row = top + GAP, tallest = 0;
    zones.forEach((zone, index) => {
      const column = index % columns;
      if (column === 0 && index > 0) { row += tallest + GAP; tallest = 0; }
      const chips = [...map.providers.filter((one) => one.zone === zone.name).map((one) => ({ kind: "provider", name: one.name })),
        ...map.workloads.filter((one) => one.zone === zone.name).map((one) => ({ kind: "workload", name: one.name })),
        ...zone.nowhere ? nowhere : strangers(map, strays).filter((one) => one.zone === zone.name)];
      const across = Math.max(1, Math.floor((width - 16) / 150));
      const height = HEAD + Math.ceil(chips.length / across) * (CHIP + 8) + 10;
      const box = { zone, x: LEFT + GAP + column * (width + GAP), y: row, width, height, chips: [] };
      const chipWidth = (width - 16 - (across - 1) * 8) / across;
      chips.forEach((chip, at) => {
        const placed = { ...chip, x: box.x + 8 + at % across * (chipWidth + 8), y: row + HEAD + Math.floor(at / across) * (CHIP + 8), width: chipWidth, zone: box };
        box.chips.push(placed);
        if (chip.kind === "provider" || chip.target) places.providers.set(chip.name, placed);
      });
      places.zones.set(zone.name, box);
      tallest = Math.max(tallest, height);
    });
    const bottom = row + tallest + GAP;
    bands.push({ level, top, height: bottom - top });
    top = bottom + 34;
  }
  return { bands, places, height: top };
};

const cut = (text, width, letter) => {
  const most = Math.max(4, Math.floor(width / letter));
  const shown = plain(text);
  return shown.length > most ? `${shown.slice(0, most - 1)}…` : shown;
};

// A line from a zone to a provider: it leaves the one and enters the other's zone upright, and passes behind what stands in it.
const path = (from, to, nth) => {
  const spread = (nth * 0.37) % 1;
  const x = from.x + from.width * (0.2 + 0.6 * spread);
  const end = to.x + to.width * (0.3 + 0.4 * spread);
  if (from === to.zone) return `M${x} ${from.y + from.height}C${x} ${from.y + from.height + 26} ${end} ${from.y + from.height + 26} ${end} ${from.y + from.height}V${to.y + CHIP}`;
  const above = to.zone.y + to.zone.height <= from.y, below = to.zone.y >= from.y + from.height;
  if (!above && !below) {
    // Beside each other: around beneath both.
    const [low, far] = [from.y + from.height, to.zone.y + to.zone.height];
    const deep = Math.max(low, far) + 12 + spread * 16;
    return `M${x} ${low}C${x} ${deep} ${x} ${deep} ${x + (end - x) * 0.08} ${deep}H${end - (end - x) * 0.08}C${end} ${deep} ${end} ${deep} ${end} ${far}V${to.y + CHIP}`;
  }
  const [y, door, y2] = above ? [from.y, to.zone.y + to.zone.height, to.y + CHIP] : [from.y + from.height, to.zone.y, to.y];
  const bend = (y + door) / 2;
  return `M${x} ${y}C${x} ${bend} ${end} ${bend} ${end} ${door}V${y2}`;
};

export const mapPage = (main, { say }) => {
  let gone = false, map = null, drawing = null, lines = new Map(), strays = [], latest = null;
  const place = h("div", { class: "map scroll", tabindex: "0", role: "group", "aria-label": t("map") });
  const rows = h("tbody");
  const button = (id, label, onclick) => h("button", { type: "button", class: "button", id, disabled: true, onclick }, t(label));
  const saves = [button("save-svg", "saveSvg", () => keep("plant.svg", "image/svg+xml", picture())), button("save-png", "savePng", () => savePng()),
    button("save-table", "saveTable", () => keep("zones-and-conduits.csv", "text/csv", register(map, strays)))];

  const draw = (name) => {
    const drawnStrays = strays.slice(0, DRAWN), { bands, places, height } = layout(map, drawnStrays);
    // Calls come from the plant's own zones; nothing is recorded under one that only takes them.
    const zone = ({ zone: one, x, y, width, height: tall }) => svg(one.external ? "g" : "a", { class: one.nowhere ? "zone outside nowhere" : one.external ? "zone outside" : "zone", "data-zone": one.name,
      href: one.external ? null : recordsAt({ zone: one.name }) },
      svg("rect", { x, y, width, height: tall, rx: 4 }),
      svg("text", { x: x + 10, y: y + 19, class: "name" }, cut(one.title ?? one.name, width - 20, 8)),
      svg("text", { x: x + 10, y: y + 36, class: "about" }, one.nowhere ? "" : cut(`${one.external ? `${t("external")} · ` : ""}${one.owner}`, width - 20, 6.6)));
    const inside = ({ chips }) => svg("g", null, chips.map((chip) => svg("g", { class: chip.kind, [`data-${chip.kind}`]: chip.name },
        svg("rect", { x: chip.x, y: chip.y, width: chip.width, height: CHIP, rx: chip.kind === "provider" ? 12 : 2 }),
        svg("text", { x: chip.x + 9, y: chip.y + 16.5 }, cut(chip.name, chip.width - 16, 7.2)))));
    lines = new Map();
    let nth = 0;
    const curves = map.conduits.flatMap((conduit) => conduit.from.map((from) => {
      const [start, end] = [places.zones.get(from), places.providers.get(conduit.to)];
      if (!start || !end) return null;
      const title = svg("title", null, plain(conduit.name));
      const d = path(start, end, nth++);
      const line = svg("path", { class: "conduit", d, "data-conduit": conduit.name }, title);
      lines.set(conduit.name, [...(lines.get(conduit.name) ?? []), { line, title }]);
      // A thin line is hard to hit: a wide one that nobody sees lies over it. By keyboard the table below leads to the same.
      return svg("a", { href: recordsAt({ conduit: conduit.name }), tabindex: -1, "aria-hidden": "true" }, line, svg("path", { class: "reach", d }));
    })).filter(Boolean);
    const astray = drawnStrays.map((one) => {
      const [start, end] = [places.zones.get(one.zone) ?? places.zones.get(NOWHERE), places.providers.get(one.provider ?? t("s_unknown"))];
      if (!start || !end) return null;
      const d = path(start, end, nth++);
      const title = svg("title", null, t("s_line", plain(one.caller), plain(one.provider ?? t("s_unknown")), count(one.calls), count(one.refused)));
      return svg("a", { href: recordsOf(one), tabindex: -1, "aria-hidden": "true" }, svg("path", { class: "stray", d, "data-stray": one.caller }, title), svg("path", { class: "reach", d }, title.cloneNode(true)));
    }).filter(Boolean);
    drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "group", "aria-label": t("mapOf", plain(name)), class: "drawing" },
      bands.map(({ level, top, height: tall }) => svg("g", { class: "band" }, svg("rect", { x: 0, y: top, width: WIDTH, height: tall, rx: 4 }),
        svg("text", { x: 12, y: top + 24 }, level === NOWHERE ? NOWHERE : t("level", level)))),
      [...places.zones.values()].map(zone), curves, astray, [...places.zones.values()].map(inside));
    clear(place, drawing);
    for (const save of saves) save.disabled = false;
  };

  // As the screen shows it, in a file of its own: styles go along as attributes.
  const picture = () => {
    const copy = drawing.cloneNode(true);
    const originals = drawing.querySelectorAll("*"), copies = copy.querySelectorAll("*");
    originals.forEach((one, index) => {
      const style = getComputedStyle(one);
      for (const name of ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "opacity"]) {
        copies[index].setAttribute(name, style.getPropertyValue(name));
      }
    });
    // Nothing can be clicked in a file.
    copy.querySelectorAll(".reach").forEach((one) => one.remove());
    copy.querySelectorAll("a").forEach((one) => one.removeAttribute("href"));
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    const { width, height } = drawing.viewBox.baseVal;
    copy.setAttribute("width", width);
    copy.setAttribute("height", height);
    return new XMLSerializer().serializeToString(copy);
  };

  // Twice as large as it is drawn, for paper.
  const savePng = async () => {
    const url = URL.createObjectURL(new Blob([picture()], { type: "image/svg+xml" }));
    try {
      const image = new Image();
      image.src = url;
      await image.decode();
      const canvas = h("canvas", { width: image.width * 2, height: image.height * 2 });
      const paper = canvas.getContext("2d");
      paper.fillStyle = getComputedStyle(document.documentElement).backgroundColor;
      paper.fillRect(0, 0, canvas.width, canvas.height);
      paper.drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => keep("plant.png", "image/png", blob), "image/png");
    } catch (failed) {
      say(told(failed), "alarm");
    } finally {
      URL.revokeObjectURL(url);
    }
  };

  const cells = new Map();
  const listed = () => {
    clear(rows, map.conduits.map((one) => {
      const own = { calls: h("td"), refused: h("td"), failed: h("td") };
      cells.set(one.name, own);
      own.link = h("a", { href: recordsAt({ conduit: one.name, verdict: "refuse" }) });
      own.refused.append(own.link);
      return h("tr", null, h("th", { scope: "row" }, h("a", { href: recordsAt({ conduit: one.name }) }, foreign(one.name))), h("td", null, plain(one.from.join(", "))), h("td", null, plain(one.to)),
        h("td", null, plain(one.ceiling)), h("td", null, plain(one.owner)), own.calls, own.refused, own.failed);
    }));
  };

  const astray = h("tbody"), more = h("p", { class: "soft" }), none = h("p", { class: "soft fine", id: "no-strays" }, t("s_none"));
  const table = scroller(t("s_title"), h("table", { id: "strays" },
    h("thead", null, h("tr", null, ["s_caller", "from", "to", "s_why", "calls", "refused", "s_last"].map((key) => h("th", { scope: "col", class: key }, t(key))))), astray));
  const listStrays = (left) => {
    clear(astray, strays.map((one) => h("tr", { "data-stray": one.caller }, h("th", { scope: "row" }, h("a", { href: recordsOf(one) }, foreign(one.caller))), h("td", null, foreign(one.zone ?? t("s_unknown"))),
      h("td", null, foreign(one.provider ?? t("s_unknown"))), h("td", { class: one.reason === null ? "alarm" : null }, one.reason === null ? t("s_wentOn") : foreign(one.reason)),
      h("td", { class: "calls" }, count(one.calls)), h("td", { class: "refused" }, count(one.refused)), h("td", null, moment(one.last)))));
    [none.hidden, table.hidden, more.hidden] = [strays.length > 0, strays.length === 0, left === 0];
    write(more, left > 0 ? t("s_more", count(left)) : "");
  };
  [none.hidden, table.hidden] = [true, true];

  clear(main, h("h1", null, t("map")), h("p", { class: "lead" }, t("mapAbout")),
    h("section", { class: "panel" }, place, h("div", { class: "row" }, saves)),
    h("section", { class: "panel", id: "undeclared" }, h("h2", null, t("s_title")), h("p", { class: "soft" }, t("s_about")), none, table, more),
    h("section", { class: "panel" }, h("h2", null, t("conduits")), scroller(t("conduits"),
      h("table", null, h("thead", null, h("tr", null, ["conduit", "from", "to", "ceiling", "owner", "perMinute", "refused", "failed"].map((key) => h("th", { scope: "col" }, t(key))))), rows))));

  const isShut = (now, conduit) => {
    const shut = new Set(now.isolations.isolated.map((one) => one.part));
    const provider = map.providers.find((one) => one.name === conduit.to);
    const outside = map.zones.find((one) => one.name === provider?.zone)?.external;
    return shut.has("everything") || (outside && shut.has("external")) || shut.has(`conduit:${conduit.name}`) || shut.has(`provider:${conduit.to}`)
      || shut.has(`zone:${provider?.zone}`) || conduit.from.every((zone) => shut.has(`zone:${zone}`));
  };

  const show = (now) => {
    if (gone || !map) return;
    const lanes = new Map(now.lanes.map((lane) => [lane.conduit, lane]));
    for (const conduit of map.conduits) {
      const minute = lanes.get(conduit.name)?.minute ?? { passed: 0, refused: 0, failed: 0 };
      const shut = isShut(now, conduit);
      for (const { line, title } of lines.get(conduit.name) ?? []) {
        line.style.strokeWidth = `${1.25 + Math.min(6, Math.log2(1 + minute.passed))}px`;
        mark(line, "busy", minute.passed > 0);
        mark(line, "refusing", minute.refused > 0);
        mark(line, "shut", shut);
        write(title, `${conduit.name}: ${count(minute.passed)} ${t("perMinute")}, ${count(minute.refused)} ${t("refused")}${shut ? `, ${t("isolated")}` : ""}`);
      }
      const own = cells.get(conduit.name);
      write(own.calls, count(minute.passed + minute.refused));
      write(own.link, count(minute.refused));
      own.link.setAttribute("aria-label", t("refusedOn", count(minute.refused), plain(conduit.name)));
      write(own.failed, count(minute.failed));
      mark(own.failed, "warning", minute.failed > 0);
    }
  };

  // What was seen beside the declared paths, asked for now and then; the drawing is made anew only when others are to be drawn.
  let last = -EVERY;
  const shape = () => JSON.stringify(strays.map(({ caller, zone, provider, reason, conduit }) => [caller, zone, provider, reason, conduit]));
  const lookAside = async () => {
    last = performance.now();
    try {
      const before = shape(), { paths, left_out: left } = await get("undeclared");
      if (gone || !map) return;
      strays = paths;
      listStrays(left);
      if (shape() !== before) { draw(latest.plant); show(latest); }
    } catch (failed) { if (!gone) { more.hidden = false; write(more, told(failed)); } }
  };

  let version = null, asking = false;
  const look = async (now) => {
    if (asking) return;
    asking = true;
    try {
      const given = await get("map");
      if (gone) return;
      map = given;
      version = now.in_force.digest;
      listed();
      draw(now.plant);
      show(latest);
    } catch (failed) { say(told(failed), "alarm"); } finally { asking = false; }
  };
  return {
    show(now) {
      latest = now;
      if (version !== now.in_force.digest) return look(now);
      show(now);
      if (performance.now() - last >= EVERY && !document.hidden) lookAside();
    },
    gone: () => { gone = true; },
  };
};
