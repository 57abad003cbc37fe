/** Hand placement: marks that are dragged, or moved with the arrow keys, over a picture, and the outline of the face they make. */
import { h } from "./dom.js";
import { own } from "./words.js";

const MAIN = new Set(["left_eye", "right_eye", "nose", "mouth_left", "mouth_right", "chin"]);
const SVG = "http://www.w3.org/2000/svg";

export class Marks {
  /** @param {(points: Record<string, number[]>) => void} moved */
  constructor(moved) {
    this.moved = moved;
    this.svg = document.createElementNS(SVG, "svg");
    this.lines = document.createElementNS(SVG, "path");
    this.svg.append(this.lines);
    this.svg.setAttribute("aria-hidden", "true");
    this.label = h("output", { class: "mark-label", hidden: true });
    this.element = h("div", { class: "create-marks", role: "group", hidden: true }, this.label);
    this.element.prepend(this.svg);
    this.together();
    /** @type {Map<string, HTMLButtonElement>} */
    this.buttons = new Map();
    /** @type {Record<string, number[]>} */
    this.points = {};
    this.view = { x: 0, y: 0, scale: 1 };
    /** @type {Record<string, any>} what each is called, as {en, zh} */
    this.names = {};
  }

  /** @param {Record<string, number[]>} points in the picture's px @param {{x: number, y: number, scale: number}} view @param {number[]} size */
  show(points, view, size) {
    Object.assign(this, { view, size, points });
    for (const name of Object.keys(points)) if (!this.buttons.has(name)) this.make(name);
    for (const [name, button] of this.buttons) {
      if (!points[name]) { button.remove(); this.buttons.delete(name); continue; }
      button.setAttribute("aria-label", this.nameOf(name));
    }
    this.place();
  }

  /** A drag beside the marks moves them all, the wheel makes the face larger or smaller. */
  together() {
    let from = null;
    this.element.addEventListener("pointerdown", (event) => {
      if (/** @type {HTMLElement} */ (event.target).closest("button")) return;
      this.element.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, at: structuredClone(this.points) };
    });
    this.element.addEventListener("pointermove", (event) => {
      if (!from) return;
      const dx = (event.clientX - from.x) / this.view.scale, dy = (event.clientY - from.y) / this.view.scale;
      this.all(from.at, ([x, y]) => [x + dx, y + dy]);
    });
    const end = () => { if (from) { from = null; this.moved(this.points); } };
    this.element.addEventListener("pointerup", end);
    this.element.addEventListener("pointercancel", end);
    this.element.addEventListener("wheel", (event) => { event.preventDefault(); this.grow(event.deltaY < 0 ? 1.04 : 1 / 1.04); }, { passive: false });
  }

  /** The whole face larger or smaller about its middle. @param {number} by */
  grow(by) {
    const all = Object.values(this.points), mx = all.reduce((sum, p) => sum + p[0], 0) / all.length, my = all.reduce((sum, p) => sum + p[1], 0) / all.length;
    this.all(this.points, ([x, y]) => [mx + (x - mx) * by, my + (y - my) * by]);
    this.moved(this.points);
  }

  /** @param {Record<string, number[]>} from @param {(point: number[]) => number[]} to */
  all(from, to) {
    for (const [name, point] of Object.entries(from)) this.points[name] = to(point).map((v, k) => Math.min(this.size[k], Math.max(0, v)));
    this.place();
  }

  /** @param {string} name */
  make(name) {
    const button = h("button", { type: "button", class: MAIN.has(name) ? "create-mark" : "create-mark lesser" });
    let from = null;
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      from = { x: event.clientX, y: event.clientY, at: [...this.points[name]] };
      this.tell(name);
      event.preventDefault();
      button.focus();
    });
    button.addEventListener("pointermove", (event) => { if (from) this.set(name, from.at[0] + (event.clientX - from.x) / this.view.scale, from.at[1] + (event.clientY - from.y) / this.view.scale); });
    const end = () => { if (from) { from = null; this.moved(this.points); } };
    button.addEventListener("pointerup", end);
    button.addEventListener("pointercancel", end);
    button.addEventListener("focus", () => this.tell(name));
    button.addEventListener("blur", () => { this.label.hidden = true; });
    button.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      const step = (event.shiftKey ? 10 : 2) / this.view.scale;
      this.set(name, this.points[name][0] + by[0] * step, this.points[name][1] + by[1] * step);
      this.tell(name);
      this.moved(this.points);
    });
    this.buttons.set(name, button);
    this.element.append(button);
  }

  /** @param {string} name @param {number} x @param {number} y */
  set(name, x, y) {
    this.points[name] = [Math.min(this.size[0], Math.max(0, x)), Math.min(this.size[1], Math.max(0, y))];
    this.place();
    this.tell(name);
  }

  place() {
    const { x, y, scale } = this.view;
    for (const [name, button] of this.buttons) {
      const [px, py] = this.points[name];
      button.style.transform = `translate(${x + px * scale}px, ${y + py * scale}px)`;
    }
    this.lines.setAttribute("d", outline(this.points).map((path) => path.map(([px, py], i) => `${i ? "L" : "M"}${(x + px * scale).toFixed(1)} ${(y + py * scale).toFixed(1)}`).join("") + "Z").join(""));
  }

  /** @param {string} name */
  nameOf(name) { return own(this.names[name]) || name.replaceAll("_", " "); }

  /** @param {string} name */
  tell(name) {
    const { x, y, scale } = this.view, [px, py] = this.points[name];
    this.label.hidden = false;
    this.label.textContent = this.nameOf(name);
    this.label.style.transform = `translate(${x + px * scale}px, ${y + py * scale - 22}px) translate(-50%, -100%)`;
  }
}

/** Eyes, lips, nose line and the oval of a face, as far as there are marks for them. @param {Record<string, number[]>} p @returns {number[][][]} closed lines */
export function outline(p) {
  const paths = [], round = (/** @type {number} */ cx, /** @type {number} */ cy, /** @type {number} */ rx, /** @type {number} */ ry, /** @type {number} */ turn) => Array.from({ length: 40 }, (_, i) => {
    const a = (i / 40) * 2 * Math.PI, u = rx * Math.cos(a), v = ry * Math.sin(a);
    return [cx + u * Math.cos(turn) - v * Math.sin(turn), cy + u * Math.sin(turn) + v * Math.cos(turn)];
  });
  const { left_eye: l, right_eye: r, chin, mouth_left: ml, mouth_right: mr, lip_top: top, lip_bottom: bottom, lips_upper: upper, lips_lower: lower } = p;
  const bend = (/** @type {number[]} */ a, /** @type {number[]} */ via, /** @type {number[]} */ b) => Array.from({ length: 12 }, (_, i) => {
    const t = i / 12, c = [2 * via[0] - (a[0] + b[0]) / 2, 2 * via[1] - (a[1] + b[1]) / 2];
    return [0, 1].map((k) => (1 - t) ** 2 * a[k] + 2 * t * (1 - t) * c[k] + t * t * b[k]);
  });
  if (l && r) {
    const wide = Math.hypot(r[0] - l[0], r[1] - l[1]), turn = Math.atan2(r[1] - l[1], r[0] - l[0]);
    for (const [eye, side] of /** @type {[number[], string][]} */ ([[l, "left"], [r, "right"]])) {
      const corner = p["corner_" + side], lid = p["lid_" + side], under = p["under_" + side];
      if (corner && lid && under) {
        const inner = [2 * eye[0] - corner[0], 2 * eye[1] - corner[1]];
        paths.push([...bend(corner, lid, inner), ...bend(inner, under, corner)]);
      } else paths.push(round(eye[0], eye[1], 0.24 * wide, 0.11 * wide, turn));
    }
    if (chin) {
      const mx = (l[0] + r[0]) / 2, my = (l[1] + r[1]) / 2, dx = chin[0] - mx, dy = chin[1] - my, long = Math.hypot(dx, dy);
      paths.push(round(mx + 0.2 * dx, my + 0.2 * dy, Math.max(1.06 * wide, 0.62 * long), 0.8 * long, Math.atan2(dy, dx) - Math.PI / 2));
    }
  }
  if (ml && mr && top && bottom) paths.push([...bend(ml, top, mr), ...bend(mr, bottom, ml)]);
  if (ml && mr && upper && lower) paths.push([...bend(ml, upper, mr), ...bend(mr, lower, ml)]);
  return paths;
}
