/** A curve that is drawn as a training goes: one column of its log over the pictures seen, raw and faint, with a smooth line over it. SVG, in the page's colours. */
import { h } from "./dom.js";
import { getLanguage, word } from "./words.js";

const NS = "http://www.w3.org/2000/svg", HEIGHT = 250, LEFT = 52, RIGHT = 14, TOP = 12, BOTTOM = 34;
const HIDDEN = ["step", "seconds", "pictures"], MOST = 700;               // points of a path

export class Curve {
  /** @param {string} [first] the column that is shown first */
  constructor(first = "") {
    this.first = first;
    this.column = "";
    this.columns = [];
    /** @type {number[][]} */
    this.rows = [];
    this.select = h("select", { class: "box", tip: "st_curve_of", onchange: () => { this.column = this.select.value; this.draw(); } });
    this.svg = document.createElementNS(NS, "svg");
    this.svg.setAttribute("class", "st-curve");
    this.svg.setAttribute("role", "img");
    this.value = h("output", { class: "st-curve-value" });
    this.about = h("p", { class: "soft small-text" });
    this.none = h("p", { class: "soft st-empty", t: "st_curve_none" });
    this.element = h("div", { class: "st-curve-box" }, h("div", { class: "st-curve-head" }, h("h2", { t: "st_curve" }), this.value, this.select), this.none, this.svg, this.about);
    this.svg.addEventListener("pointermove", (event) => this.point(event));
    this.svg.addEventListener("pointerleave", () => this.point(null));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** @param {string[]} columns @param {number[][]} rows @param {boolean} [more] rows that follow those there are */
  set(columns, rows, more = false) {
    if (more && columns.join() === this.columns.join()) this.rows.push(...rows); else this.rows = rows;
    const changed = columns.join() !== this.columns.join();
    this.columns = columns;
    const shown = columns.filter((name) => !HIDDEN.includes(name));
    if (!shown.includes(this.column)) this.column = shown.includes(this.first) ? this.first : shown[0] ?? "";
    if (changed || this.language !== getLanguage()) this.select.replaceChildren(...shown.map((name) => h("option", { value: name }, nameOf(name))));
    this.language = getLanguage();
    this.select.value = this.column;
    this.draw();
  }

  draw() {
    const points = this.points = this.series(this.column), wide = Math.round(this.element.clientWidth);
    const enough = points.length > 1 && wide > 60;
    this.none.hidden = points.length > 1;
    this.svg.style.display = enough ? "" : "none";
    this.select.hidden = !this.columns.length;
    this.value.textContent = points.length ? number(points.at(-1).y) : "";
    this.about.textContent = this.column && word(`fig_${this.column}_p`) !== `fig_${this.column}_p` ? word(`fig_${this.column}_p`) : "";
    if (!enough) return;
    const xs = points.map((one) => one.x), smooth = smoothed(points), [low, high] = bounds(points, smooth), x0 = Math.min(...xs), x1 = Math.max(...xs);
    const across = (/** @type {number} */ x) => LEFT + ((x - x0) / (x1 - x0 || 1)) * (wide - LEFT - RIGHT), down = (/** @type {number} */ y) => TOP + (1 - (Math.min(high, Math.max(low, y)) - low) / (high - low || 1)) * (HEIGHT - TOP - BOTTOM);
    this.across = across;
    this.down = down;
    this.smooth = smooth;
    const parts = [];
    const levels = ticks(low, high, 5), exact = decimals(levels);
    for (const tick of levels) parts.push(line(LEFT, down(tick), wide - RIGHT, down(tick), "grid"), text(LEFT - 8, down(tick) + 4, exact(tick), "end"));
    for (const tick of ticks(x0, x1, Math.max(2, Math.floor(wide / 130)))) parts.push(line(across(tick), HEIGHT - BOTTOM, across(tick), HEIGHT - BOTTOM + 4, "axis"), text(across(tick), HEIGHT - BOTTOM + 18, many(tick), "middle"));
    parts.push(text(wide - RIGHT, HEIGHT + 2, word("st_curve_x"), "end"), line(LEFT, HEIGHT - BOTTOM, wide - RIGHT, HEIGHT - BOTTOM, "axis"));
    parts.push(path(points.map((one) => [across(one.x), down(one.y)]), "raw"), path(smooth.map((one) => [across(one.x), down(one.y)]), "smooth"));
    const last = smooth.at(-1);
    parts.push(dot(across(last.x), down(last.y), "end"));
    this.hair = line(0, TOP, 0, HEIGHT - BOTTOM, "hair");
    this.mark = dot(0, 0, "mark");
    this.hair.style.display = this.mark.style.display = "none";
    this.svg.setAttribute("viewBox", `0 0 ${wide} ${HEIGHT}`);
    this.svg.setAttribute("aria-label", word("st_curve_label", { name: nameOf(this.column), n: points.length, first: number(points[0].y), last: number(points.at(-1).y), least: number(points.reduce((least, one) => Math.min(least, one.y), Infinity)) }));
    this.svg.replaceChildren(...parts, this.hair, this.mark);
  }

  /** @param {string} name @returns {{x: number, y: number, step: number}[]} at most MOST of them */
  series(name) {
    const y = this.columns.indexOf(name), x = Math.max(this.columns.indexOf("pictures"), 0), step = this.columns.indexOf("step");
    const all = this.rows.filter((row) => Number.isFinite(row[y]) && row[y] !== null).map((row) => ({ x: row[x], y: row[y], step: row[step] }));
    if (all.length <= MOST) return all;
    const size = all.length / MOST, mean = (/** @type {any[]} */ some, /** @type {string} */ key) => some.reduce((sum, one) => sum + one[key], 0) / some.length;
    return Array.from({ length: MOST }, (_, k) => all.slice(Math.floor(k * size), Math.max(Math.floor(k * size) + 1, Math.floor((k + 1) * size)))).map((some) => ({ x: mean(some, "x"), y: mean(some, "y"), step: some.at(-1).step }));
  }

  /** The value under the pointer. @param {PointerEvent | null} event */
  point(event) {
    if (!this.points?.length || !this.hair) return;
    this.hair.style.display = this.mark.style.display = event ? "" : "none";
    if (!event) { this.value.textContent = number(this.points.at(-1).y); return; }
    const box = this.svg.getBoundingClientRect(), at = event.clientX - box.left;
    const near = this.points.reduce((best, one, k) => (Math.abs(this.across(one.x) - at) < Math.abs(this.across(this.points[best].x) - at) ? k : best), 0), { x, y } = this.points[near];
    for (const side of ["x1", "x2"]) this.hair.setAttribute(side, String(this.across(x)));
    this.mark.setAttribute("cx", String(this.across(x)));
    this.mark.setAttribute("cy", String(this.down(this.smooth[near].y)));
    this.value.textContent = `${number(y)} · ${many(x)} ${word("st_curve_x")}`;
  }
}

/** What a column or a figure is called. @param {string} name */
export const nameOf = (name) => (word("fig_" + name) === "fig_" + name ? name.replaceAll("_", " ") : word("fig_" + name));

/** An exponential mean, both ways along, so that it does not lag. @param {{x: number, y: number}[]} points */
function smoothed(points) {
  const keep = Math.min(0.92, Math.max(0, 1 - 12 / points.length)), run = (/** @type {number[]} */ values) => { let held = values[0]; return values.map((value) => (held = held * keep + value * (1 - keep))); };
  const ys = points.map((one) => one.y), there = run(ys), back = run([...ys].reverse()).reverse();
  return points.map((one, k) => ({ x: one.x, y: (there[k] + back[k]) / 2 }));
}

/** From the least to the greatest; what only the first steps or a rare jump reach does not count. @param {{y: number}[]} points @param {{y: number}[]} smooth @returns {[number, number]} */
function bounds(points, smooth) {
  const sorted = points.map((one) => one.y).sort((a, b) => a - b), at = (/** @type {number} */ share) => sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(share * (sorted.length - 1))))];
  const some = sorted.length > 40, low = Math.min(some ? at(0.005) : sorted[0], ...smooth.map((one) => one.y)), high = Math.max(some ? at(0.985) : sorted.at(-1), ...smooth.slice(Math.floor(smooth.length / 30)).map((one) => one.y));
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low - room < 0 ? Math.min(low, 0) : low - room, high + room];
}

/** Round numbers between two. @param {number} low @param {number} high @param {number} count */
function ticks(low, high, count) {
  const rough = (high - low || 1) / count, power = 10 ** Math.floor(Math.log10(rough)), step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough;
  const out = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}

/** Ticks with as many places as tell them apart. @param {number[]} some @returns {(value: number) => string} */
function decimals(some) {
  const step = Math.abs((some[1] ?? some[0] + 1) - some[0]) || 1, places = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return (value) => (step < 1e-5 || Math.abs(value) >= 1e6 ? number(value) : value.toLocaleString(getLanguage(), { minimumFractionDigits: places, maximumFractionDigits: places, useGrouping: Math.abs(value) >= 10_000 }));
}

/** @param {number} value */
export function number(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size && (size < 0.001 || size >= 1e6)) return value.toExponential(1);
  return value.toLocaleString(getLanguage(), { maximumFractionDigits: size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4, useGrouping: size >= 10_000 });
}

/** @param {number} value */
export const many = (value) => value.toLocaleString(getLanguage() === "zh" ? "zh-CN" : "en", value >= 10_000 ? { notation: "compact", maximumFractionDigits: 1 } : { maximumFractionDigits: 0 });

/** @param {string} name @param {Record<string, any>} given @param {string} [inside] */
function svg(name, given, inside = "") {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(given)) element.setAttribute(key, String(value));
  if (inside) element.textContent = inside;
  return /** @type {any} */ (element);
}

const line = (/** @type {number} */ x1, /** @type {number} */ y1, /** @type {number} */ x2, /** @type {number} */ y2, /** @type {string} */ kind) => svg("line", { x1, y1, x2, y2, class: kind });
const text = (/** @type {number} */ x, /** @type {number} */ y, /** @type {string} */ said, /** @type {string} */ anchor) => svg("text", { x, y, "text-anchor": anchor }, said);
const dot = (/** @type {number} */ cx, /** @type {number} */ cy, /** @type {string} */ kind) => svg("circle", { cx, cy, r: kind === "mark" ? 4.5 : 3.5, class: kind });
const path = (/** @type {number[][]} */ places, /** @type {string} */ kind) => svg("path", { class: kind, d: places.map(([x, y], k) => `${k ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("") });
