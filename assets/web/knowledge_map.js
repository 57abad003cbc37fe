/** A graph drawn as circles and lines that push and pull each other into place; each line shows the sentence it was read in. Text stays text. */
import { FINGER, h, iconButton } from "./dom.js";
import { getLanguage, own, word } from "./words.js";

const SPACE = "http://www.w3.org/2000/svg";
const TICKS = 320, REST = 108, PUSH = 9000, PULL = .05, CENTRE = .009, LABELS = 34;      // REST: px between two that are related
const KINDS = ["person", "place", "time", "price", "thing"];

/** @typedef {{id: number, name: string, kind: string, edges: number, x: number, y: number, vx: number, vy: number, r: number, g?: SVGGElement}} Node
 * @typedef {{from: number, to: number, en: string, zh: string, sentence: string, source: string, line?: SVGLineElement, hit?: SVGLineElement, text?: SVGTextElement}} Edge */

export class Map {
  /** @param {{nodes: any[], edges: any[], left_out: number, me: string}} graph */
  constructor({ nodes, edges, left_out, me }) {
    /** @type {Node[]} */
    this.nodes = nodes.map((node, n) => ({ ...node, r: 6 + Math.min(10, 2.2 * Math.sqrt(node.edges)), x: 26 * Math.sqrt(n + 1) * Math.cos(n * 2.4), y: 26 * Math.sqrt(n + 1) * Math.sin(n * 2.4), vx: 0, vy: 0 }));
    /** @type {Edge[]} */
    this.edges = edges;
    this.me = me;
    this.heat = 1;
    this.touched = false;                                // whoever moved it keeps what they see
    this.frame = 0;
    this.svg = draw("svg", { class: "know-svg", role: "group", "aria-label": word("know_map_of", { nodes: nodes.length }) });
    this.told = h("div", { class: "know-told", "aria-live": "polite" }, h("p", { class: "soft", t: FINGER ? "know_map_touch" : "know_map_hint" }));
    const used = KINDS.filter((kind) => nodes.some((node) => node.kind === kind));
    this.element = h("div", { class: "know-drawn" }, h("div", { class: "know-canvas" }, this.svg, h("div", { class: "know-zoom" }, iconButton("plus", "know_closer", () => this.zoom(.8), { class: "round tiny" }), iconButton("minus", "know_further", () => this.zoom(1.25), { class: "round tiny" }))),
      h("p", { class: "know-kinds" }, ...used.map((kind) => h("span", { class: kind, t: "kind_" + kind })), left_out > 0 && h("em", { t: "know_left", args: { n: left_out } })), this.told);
    for (let n = 0; n < TICKS; n++) this.tick(1 - n / TICKS);
    this.paint();
    this.fit();
  }

  /** Once it is on the page. */
  start() {
    this.near();
    this.watch = new ResizeObserver(() => { if (!this.touched) this.near(); });
    this.watch.observe(this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("wheel", (event) => { event.preventDefault(); this.zoom(event.deltaY > 0 ? 1.12 : .89, this.at(event)); }, { passive: false });
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  stop() { cancelAnimationFrame(this.frame); this.watch?.disconnect(); }

  /** As much as fits with letters that can be read, around what has the most connections; the rest is a drag away. */
  near() {
    this.fit();
    const far = Math.max(this.box.w / this.svg.clientWidth, this.box.h / this.svg.clientHeight), first = [...this.nodes].sort((a, b) => b.edges - a.edges)[0];
    if (far > 1.3 && far < Infinity) this.look({ x: first.x - this.box.w * .65 / far, y: first.y - this.box.h * .65 / far, w: this.box.w * 1.3 / far, h: this.box.h * 1.3 / far });
  }

  /** One step of the forces. @param {number} heat */
  tick(heat) {
    const { nodes } = this, most = 4 + 26 * heat;
    for (let i = 0; i < nodes.length; i++) {
      const a = nodes[i];
      for (let j = i + 1; j < nodes.length; j++) {
        const b = nodes[j], dx = a.x - b.x || .01 * (i - j), dy = a.y - b.y || .01, d2 = Math.max(60, dx * dx + dy * dy), f = PUSH / (d2 * Math.sqrt(d2)) * Math.min(1, 240_000 / d2);
        a.vx += dx * f; a.vy += dy * f; b.vx -= dx * f; b.vy -= dy * f;
      }
      a.vx -= a.x * CENTRE; a.vy -= a.y * CENTRE * 1.35;                     // wider than high, as the sheet is
    }
    for (const { from, to } of this.edges) {
      const a = nodes[from], b = nodes[to], dx = b.x - a.x, dy = b.y - a.y, d = Math.hypot(dx, dy) || 1, f = PULL * (d - REST) / d;
      a.vx += dx * f; a.vy += dy * f; b.vx -= dx * f; b.vy -= dy * f;
    }
    for (const node of nodes) {
      if (node === this.held) { node.vx = node.vy = 0; continue; }
      const speed = Math.hypot(node.vx, node.vy) || 1, step = Math.min(speed, most) / speed * Math.max(heat, .25);
      node.x += node.vx * step; node.y += node.vy * step;
      node.vx *= .55; node.vy *= .55;
    }
  }

  /** The elements, once. */
  paint() {
    const lines = draw("g", { class: "lines" }), circles = draw("g", {}), ranked = [...this.nodes].sort((a, b) => b.edges - a.edges), named = new Set(ranked.slice(0, LABELS));
    for (const edge of this.edges) {
      edge.line = draw("line", {});
      edge.hit = draw("line", { class: "hit" });
      edge.hit.append(draw("title", {}, this.saying(edge)));
      edge.hit.addEventListener("click", () => this.chooseEdge(edge));
      edge.text = draw("text", { class: "relation" }, edge[getLanguage() === "zh" ? "zh" : "en"]);
      lines.append(edge.line, edge.hit, edge.text);
    }
    for (const node of this.nodes) {
      const label = short(node.name, 22);
      node.g = draw("g", { class: `node ${node.kind}${named.has(node) ? " named" : ""}${node.name === this.me ? " me" : ""}`, role: "button", tabindex: node === ranked[0] ? 0 : -1, "aria-label": word("know_node", { name: node.name, n: node.edges }) },
        draw("circle", { r: node.r }), draw("text", { y: node.r + 13 }, label));
      node.g.addEventListener("click", () => { if (!this.moved) this.choose(node); });
      circles.append(node.g);
    }
    this.svg.append(lines, circles);
    this.place();
  }

  place() {
    for (const { from, to, line, hit, text } of this.edges) {
      const a = this.nodes[from], b = this.nodes[to];
      for (const one of [line, hit]) for (const [name, value] of Object.entries({ x1: a.x, y1: a.y, x2: b.x, y2: b.y })) one.setAttribute(name, value.toFixed(1));
      text.setAttribute("x", ((a.x + b.x) / 2).toFixed(1));
      text.setAttribute("y", ((a.y + b.y) / 2 - 3).toFixed(1));
    }
    for (const node of this.nodes) node.g.setAttribute("transform", `translate(${node.x.toFixed(1)} ${node.y.toFixed(1)})`);
  }

  fit() {
    const xs = this.nodes.map((node) => node.x), ys = this.nodes.map((node) => node.y), pad = 56;
    const box = { x: Math.min(...xs) - pad, y: Math.min(...ys) - pad / 2, w: Math.max(260, Math.max(...xs) - Math.min(...xs) + 2 * pad), h: Math.max(200, Math.max(...ys) - Math.min(...ys) + 1.4 * pad) };
    if (this.nodes.length < 8) { const more = 1.3; box.x -= box.w * (more - 1) / 2; box.y -= box.h * (more - 1) / 2; box.w *= more; box.h *= more; }
    this.look(box);
  }

  /** @param {{x: number, y: number, w: number, h: number}} box */
  look(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", [box.x, box.y, box.w, box.h].map((value) => value.toFixed(1)).join(" "));
  }

  /** @param {number} by @param {{x: number, y: number}} [at] */
  zoom(by, at) {
    this.touched = true;
    const { x, y, w, h: high } = this.box, to = at ?? { x: x + w / 2, y: y + high / 2 };
    if (w * by < 80 || w * by > 6000) return;
    this.look({ x: to.x - (to.x - x) * by, y: to.y - (to.y - y) * by, w: w * by, h: high * by });
  }

  /** @param {{clientX: number, clientY: number}} event */
  at(event) {
    const matrix = this.svg.getScreenCTM();
    return matrix ? new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse()) : { x: 0, y: 0 };
  }

  /** @param {PointerEvent} event */
  press(event) {
    const element = /** @type {Element} */ (event.target).closest(".node"), box = { ...this.box };
    const node = element ? this.nodes.find((one) => one.g === element) : undefined;
    this.moved = false;
    const move = (/** @type {PointerEvent} */ to) => {
      if (Math.hypot(to.clientX - event.clientX, to.clientY - event.clientY) > 4) this.moved = true;
      if (!this.moved) return;
      this.touched = true;
      if (node) { this.held = node; Object.assign(node, pick(this.at(to))); this.warm(); return; }
      const scale = box.w / this.svg.clientWidth;
      this.look({ ...box, x: box.x - (to.clientX - event.clientX) * Math.max(scale, box.h / this.svg.clientHeight), y: box.y - (to.clientY - event.clientY) * Math.max(scale, box.h / this.svg.clientHeight) });
    };
    const end = () => { removeEventListener("pointermove", move); removeEventListener("pointerup", end); removeEventListener("pointercancel", end); this.held = undefined; };
    addEventListener("pointermove", move);
    addEventListener("pointerup", end);
    addEventListener("pointercancel", end);
  }

  /** What was moved settles. */
  warm() {
    this.heat = .35;
    cancelAnimationFrame(this.frame);
    const step = () => {
      this.tick(this.heat);
      this.place();
      this.heat *= .95;
      if (this.heat > .02) this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /** Arrows go to the nearest circle on that side, Enter chooses. @param {KeyboardEvent} event */
  key(event) {
    const node = this.nodes.find((one) => one.g === event.target), way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (!node) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); this.choose(node); return; }
    if (event.key === "+" || event.key === "-") { this.zoom(event.key === "+" ? .8 : 1.25); return; }
    if (!way) return;
    event.preventDefault();
    const ahead = (/** @type {Node} */ one) => { const dx = one.x - node.x, dy = one.y - node.y, along = dx * way[0] + dy * way[1]; return along > 1 ? along + 2.5 * Math.abs(dx * way[1] + dy * way[0]) : Infinity; };
    const next = this.nodes.filter((one) => one !== node && ahead(one) < Infinity).sort((a, b) => ahead(a) - ahead(b))[0];
    if (!next) return;
    node.g.setAttribute("tabindex", "-1");
    next.g.setAttribute("tabindex", "0");
    next.g.focus();
  }

  /** @param {Node} node */
  choose(node) {
    const of = this.edges.filter(({ from, to }) => from === node.id || to === node.id);
    this.mark(new Set(of), new Set([node.id, ...of.flatMap(({ from, to }) => [from, to])]), node);
    this.tell(node.name, of);
  }

  /** @param {Edge} edge */
  chooseEdge(edge) {
    this.mark(new Set([edge]), new Set([edge.from, edge.to]));
    this.tell("", [edge]);
  }

  /** @param {Set<Edge>} edges @param {Set<number>} nodes @param {Node} [chosen] */
  mark(edges, nodes, chosen) {
    this.svg.classList.add("choosing");
    for (const edge of this.edges) for (const one of [edge.line, edge.text]) one.classList.toggle("on", edges.has(edge));
    for (const node of this.nodes) { node.g.classList.toggle("on", nodes.has(node.id)); node.g.classList.toggle("chosen", node === chosen); }
  }

  /** @param {string} title @param {Edge[]} edges */
  tell(title, edges) {
    this.told.replaceChildren(title && h("h3", {}, title), h("ul", {}, ...edges.slice(0, 40).map((edge) => h("li", {}, h("b", {}, this.saying(edge)), h("q", {}, edge.sentence), h("cite", {}, edge.source === "card" ? word("know_card") : edge.source === "memory" ? word("know_memory") : edge.source)))));
    this.told.scrollTop = 0;
  }

  /** @param {Edge} edge */
  saying({ from, to, en, zh }) {
    return [this.nodes[from].name, own({ en, zh }), this.nodes[to].name].join(" ");
  }
}

/** @param {string} tag @param {Record<string, any>} attributes @param {...(Node | Element | string)} children @returns {any} */
function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(.../** @type {any[]} */ (children));
  return element;
}

/** @param {{x: number, y: number}} point */
const pick = ({ x, y }) => ({ x, y });

/** @param {string} text @param {number} most */
const short = (text, most) => (text.length > most ? text.slice(0, most - 1) + "…" : text);
