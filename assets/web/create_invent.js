/** Inventing a face, in step one: a wish in words and by hand, four faces as they are painted, more like one, the way between two. What can be asked for
 * comes from the server, so this file names no attribute. A face is its recipe; its picture came as a data URL and lies nowhere else. */
import { askJson, askLines } from "./api.js";
import { h, icon, iconButton, say } from "./dom.js";
import { own, word } from "./words.js";

const WAIT = 500;                                       // ms after a control was moved
const WALK = 120;                                       // ms after the slider between two was moved
const PAST = 12;                                        // sets of faces one can go back over

/** @typedef {{engine: string, recipe: object, seed: number | null, picture: string, about: any}} Face */

export class Invent {
  /** @param {import("./create.js").Wizard} wizard @param {{changed: () => void}} does `changed`: another face is chosen, or none */
  constructor(wizard, does) {
    this.wizard = wizard;
    this.does = does;
    this.clear();
    this.field = h("input", { type: "text", class: "box", id: "invent-wish", maxlength: 600, autocomplete: "off", enterkeyhint: "go" });
    this.send = h("button", { type: "submit", class: "small strong wish-go" }, icon("spark"), h("span", { t: "invent_go" }));
    this.form = h("form", { class: "wish", onsubmit: (event) => { event.preventDefault(); this.wish(); } }, h("label", { class: "unseen", for: "invent-wish", t: "invent_wish" }), this.field, this.send);
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.chips = h("ul", { class: "chips" });
    this.left = h("p", { class: "soft small-text wish-left", hidden: true });
    this.group = h("div", { class: "invent-faces", role: "radiogroup" });
    this.group.addEventListener("keydown", (event) => this.arrows(event));
    this.state = h("p", { class: "unseen", role: "status" });
    this.back = iconButton("rewind", "invent_back", () => this.undo(), { class: "round", hidden: true });
    this.more = h("button", { type: "button", class: "small", onclick: () => this.like() }, h("span", { t: "invent_like" }));
    this.two = h("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => this.pair() }, h("span", { t: "invent_between" }));
    this.dice = iconButton("dice", "invent_dice", () => this.roll());
    this.number = h("input", { type: "number", class: "box", id: "invent-seed", min: 0, step: 1, inputmode: "numeric", onchange: () => this.reseed() });
    this.engines = h("select", { class: "box", id: "invent-engine", onchange: () => { this.engine = this.engines.value; this.run(); } });
    this.engineRow = h("div", { class: "invent-engine", hidden: true }, h("label", { for: "invent-engine", t: "invent_engine" }), this.engines);
    this.hint = h("p", { class: "soft small-text", hidden: true, t: "invent_other" });
    this.first = h("img", { alt: "" });
    this.second = h("img", { alt: "" });
    this.slider = h("input", { type: "range", min: 0, max: 1, step: 0.01, value: 0.5, tip: "invent_way", oninput: () => this.walk() });
    this.way = h("div", { class: "invent-way", hidden: true }, this.first, this.slider, this.second, iconButton("close", "invent_way_close", () => this.pair(false), { class: "round tiny" }));
    this.controls = h("div", { class: "invent-controls" });
    this.element = h("div", { class: "invent" }, this.form, this.trouble, this.chips, this.left, this.group, this.state, this.hint, this.way,
      h("div", { class: "invent-acts" }, this.back, this.more, this.two, h("span", { class: "gap" }), h("div", { class: "invent-seed" }, h("label", { for: "invent-seed", t: "invent_seed" }), this.number, this.dice)),
      this.controls, this.engineRow);
  }

  /** As if nobody had ever wished. */
  clear() {
    /** @type {Record<string, any>} */
    this.asked = {};
    this.words = "";                                    // those that were read last
    /** @type {(Face | null)[]} */
    this.faces = [];
    /** @type {{faces: (Face | null)[], chosen: number}[]} */
    this.past = [];
    this.chosen = -1;                                   // of the faces
    this.other = -1;                                    // the second of a pair
    this.pairing = false;
    /** @type {Face | null} the one on the way between two */
    this.mixed = null;
    this.seed = Math.floor(Math.random() * 100_000);
    this.engine = "";
    this.unread = [];
  }

  /** The face that would be used. @returns {Face | null} */
  get face() { return this.mixed ?? this.faces[this.chosen] ?? null; }

  get busy() { return Boolean(this.stopping); }

  /** The panel is looked at: what can be asked for, and four faces to begin with. */
  async open() {
    this.tell();
    try {
      this.about ??= await askJson("draft/invent");
      this.engine ||= this.about.engines.find((/** @type {any} */ one) => one.ready)?.name ?? "";
    } catch (error) { this.tell(error); return; }
    this.rename();
    if (!this.faces.length) await this.run();
    else this.shown();
  }

  /** Nothing goes on behind somebody's back. */
  stop() {
    this.stopping?.abort();
    this.stopping = null;
    this.walking?.abort();
    clearTimeout(this.timer);
    clearTimeout(this.walker);
  }

  forget() {
    this.stop();
    this.clear();
    this.field.value = "";
    this.pair(false);
    this.draw();
  }

  // wishes ------------------------------------------------------------------------------------------------------------------------------

  /** What is written is read, put beside what was set by hand, and painted. */
  async wish() {
    const words = this.field.value.trim();
    this.tell();
    if (words !== this.words) {
      try {
        const { asked, left } = await askJson("draft/invent/read", { json: { words } });
        Object.assign(this.asked, asked);
        this.unread = left;
        this.words = words;
      } catch (error) { this.tell(error); return; }
      this.chipsAndControls();
    }
    await this.run();
  }

  /** @param {string} name @param {any} value undefined: whatever comes */
  set(name, value) {
    if (value === undefined) delete this.asked[name]; else this.asked[name] = value;
    this.chipsAndControls();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.run(), WAIT);
  }

  roll() { this.seed = Math.floor(Math.random() * 100_000); this.number.value = String(this.seed); this.run(); }

  reseed() {
    const seed = Math.round(Number(this.number.value));
    if (Number.isFinite(seed) && seed >= 0 && seed <= this.about.most_seed) { this.seed = seed; this.run(); } else this.number.value = String(this.seed);
  }

  // faces -------------------------------------------------------------------------------------------------------------------------------

  run() { return this.stream("draft/invent", { words: this.words, asked: this.asked, seed: this.seed, engine: this.engine }); }

  like() {
    const { face } = this;
    if (face) return this.stream("draft/invent/like", { recipe: face.recipe, engine: face.engine, seed: Math.floor(Math.random() * 2 ** 31) });
  }

  /** Faces as they are made; whatever was being made before is not waited for. @param {string} path @param {object} json */
  async stream(path, json) {
    this.stop();
    this.pair(false);
    this.tell();
    const stopping = (this.stopping = new AbortController());
    if (this.faces.length && this.faces.every(Boolean)) this.past = [...this.past, { faces: this.faces, chosen: this.chosen }].slice(-PAST);
    this.faces = Array.from({ length: this.about.count }, () => null);
    this.chosen = -1;
    this.waiting = "";
    this.draw();
    try {
      for await (const line of askLines(path, { json, signal: stopping.signal })) {
        if (this.stopping !== stopping) return;
        if (line.face) this.arrived(line.k, line.face);
        else if (line.step === "queue") say(this.state, "invent_queue", { place: line.place });
      }
    } catch (error) {
      if (error.name === "AbortError") return;
      this.tell(error);
    }
    if (this.stopping !== stopping) return;
    this.stopping = null;
    const got = this.faces.filter(Boolean);
    if (!got.length && this.past.length) { this.undo(); return; }          // the last ones are still good
    this.faces = got;
    this.draw();
    if (got.length) say(this.state, "invent_done", { n: got.length });
  }

  /** @param {number} k @param {Face} face */
  arrived(k, face) {
    if (this.faces[k]) return;                          // the line came again as a sign of life
    this.faces[k] = face;
    if (this.chosen < 0) this.chosen = k;
    this.draw();
  }

  /** Back to the faces before. */
  undo() {
    const last = this.past.pop();
    if (!last) return;
    this.stop();
    this.pair(false);
    this.faces = last.faces;
    this.chosen = last.chosen;
    this.draw();
  }

  /** @param {number} k */
  choose(k) {
    if (!this.faces[k]) return;
    if (this.pairing && k !== this.chosen) { this.other = k; this.slider.value = "0.5"; this.walk(0); }
    else if (!this.pairing) { this.chosen = k; this.mixed = null; }
    this.draw();
  }

  /** Begin to choose a second one, or be done with it. @param {boolean} [on] */
  pair(on = !this.pairing) {
    this.walking?.abort();
    clearTimeout(this.walker);
    this.pairing = on;
    this.other = -1;
    this.mixed = null;
    if (this.group) this.draw();
  }

  /** The face on the way, once the slider rests; one is asked for at a time. @param {number} [wait] ms */
  walk(wait = WALK) {
    clearTimeout(this.walker);
    this.walker = setTimeout(async () => {
      const one = this.faces[this.chosen], other = this.faces[this.other];
      if (!one || !other || this.stopping) return;
      this.walking?.abort();
      const walking = (this.walking = new AbortController());
      this.way.classList.add("busy");
      try {
        const { face } = await askJson("draft/invent/between", { json: { one: one.recipe, other: other.recipe, part: Number(this.slider.value), engine: one.engine }, signal: walking.signal });
        if (this.walking !== walking || !this.pairing) return;
        this.mixed = face;
        this.shown();
      } catch (error) { if (error.name !== "AbortError") this.tell(error); }
      finally { if (this.walking === walking) this.way.classList.remove("busy"); }
    }, wait);
  }

  /** @param {KeyboardEvent} event */
  arrows(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], all = [...this.group.children], at = all.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    for (let n = 1; n <= all.length; n++) {
      const k = (at + step * n + n * all.length) % all.length;
      if (this.faces[k]) { this.choose(k); /** @type {HTMLElement} */ (this.group.children[k]).focus(); return; }
    }
  }

  // what is seen --------------------------------------------------------------------------------------------------------------------------

  draw() {
    if (!this.about) return;
    this.group.setAttribute("aria-label", word("invent_faces"));
    this.group.setAttribute("aria-busy", String(this.busy));
    this.group.classList.toggle("pairing", this.pairing);
    const at = this.group.contains(document.activeElement) ? [...this.group.children].indexOf(document.activeElement) : -1;
    while (this.group.children.length > this.faces.length) this.group.lastChild.remove();
    this.faces.forEach((face, k) => this.place(face, k));
    if (at >= 0) /** @type {HTMLElement} */ (this.group.children[Math.min(at, this.group.children.length - 1)])?.focus();
    const one = this.faces[this.chosen], other = this.faces[this.other];
    this.more.disabled = !this.face;
    this.two.disabled = !one || this.faces.filter(Boolean).length < 2;
    this.two.setAttribute("aria-pressed", String(this.pairing));
    this.back.hidden = !this.past.length;
    this.hint.hidden = !this.pairing || Boolean(other);
    this.way.hidden = !this.pairing || !other;
    if (one) this.first.src = one.picture;
    if (other) this.second.src = other.picture;
    this.number.value = String(this.seed);
    this.shown();
  }

  /** A face in its place, or where one will be. @param {Face | null} face @param {number} k */
  place(face, k) {
    let button = /** @type {HTMLElement} */ (this.group.children[k]);
    if (!button) this.group.append(button = h("button", { type: "button", role: "radio", class: "invent-face", onclick: () => this.choose(k) }));
    const on = k === this.chosen, picture = button.querySelector("img");
    button.classList.toggle("waiting", !face);
    button.classList.toggle("second", k === this.other);
    button.toggleAttribute("disabled", !face);
    button.setAttribute("aria-checked", String(on || k === this.other));
    button.setAttribute("tabindex", on || (this.chosen < 0 && k === 0) ? "0" : "-1");
    button.setAttribute("aria-label", face ? word("invent_face", { n: k + 1, about: own(face.about) }) : word("invent_coming", { n: k + 1 }));
    if (picture?.getAttribute("src") === (face?.picture ?? null)) return;
    button.replaceChildren(...(face ? [h("img", { src: face.picture, alt: "", draggable: "false" })] : []));
  }

  /** The chosen one stands in the large picture. */
  shown() {
    const { face } = this;
    this.wizard.preview.lend(face?.picture ?? "", this.busy || Boolean(face));
    this.does.changed();
  }

  chipsAndControls() { this.drawChips(); this.drawControls(); }

  get all() { return this.about.groups.flatMap((/** @type {any} */ group) => group.controls); }

  drawChips() {
    const rows = this.all.filter((/** @type {any} */ one) => this.asked[one.name] !== undefined);
    this.chips.hidden = !rows.length;
    this.chips.replaceChildren(...rows.map((/** @type {any} */ one) => {
      const what = own(one.label), value = said(one, this.asked[one.name]);
      return h("li", {}, h("button", { type: "button", class: "chip", "aria-label": word("invent_without", { what: `${what}: ${value}` }), onclick: () => this.set(one.name, undefined) }, h("span", {}, what), h("b", {}, value), icon("close")));
    }));
    this.left.hidden = !this.unread.length;
    this.left.textContent = this.unread.length ? word("invent_left", { list: this.unread.join(word("invent_comma")) }) : "";
  }

  /** By hand: a control for whatever the server says a face has. */
  drawControls() {
    const open = new Set([...this.controls.querySelectorAll("details[open]")].map((one) => one.dataset.group)), focused = document.activeElement?.closest?.(".invent-controls") ? document.activeElement.id : "";
    const grid = (/** @type {any} */ group) => h("div", { class: "invent-grid" }, ...group.controls.map((/** @type {any} */ one) => this.control(one)));
    const [main, ...others] = this.about.groups;
    const told = (/** @type {any} */ group) => group.controls.filter((/** @type {any} */ one) => this.asked[one.name] !== undefined).length;
    this.controls.replaceChildren(grid(main), ...others.map((group) => h("details", { class: "invent-group", "data-group": group.name, open: open.has(group.name) },
      h("summary", {}, h("span", {}, own(group.label)), told(group) > 0 && h("small", {}, String(told(group)))), grid(group))));
    if (focused) document.getElementById(focused)?.focus();
  }

  /** @param {any} one */
  control(one) {
    const id = "invent-" + one.name.replaceAll(" ", "-"), given = this.asked[one.name];
    if (one.kind === "measure") {
      const range = h("input", { type: "range", id, min: one.least, max: one.most, step: one.most - one.least > 10 ? 1 : 0.01, value: given ?? (one.least + one.most) / 2, class: given === undefined ? "any" : "", "data-name": one.name });
      const output = h("output", { for: id }, given === undefined ? word("invent_any") : said(one, given));
      range.addEventListener("input", () => { range.classList.remove("any"); output.textContent = said(one, Number(range.value)); range.setAttribute("aria-valuetext", output.textContent); });
      range.addEventListener("change", () => this.set(one.name, Number(range.value)));
      range.setAttribute("aria-valuetext", output.textContent);
      return h("div", { class: "invent-one" }, h("div", { class: "invent-label" }, h("label", { for: id }, own(one.label)), output), range,
        h("div", { class: "invent-ends", "aria-hidden": "true" }, ...one.ends.map((/** @type {any} */ end) => h("span", {}, own(end)))));
    }
    const values = one.kind === "mark" ? [["yes", word("invent_yes")], ["no", word("invent_no")]] : one.values.map((/** @type {any} */ value) => [value.value, own(value.label)]);
    const select = h("select", { class: "box", id, "data-name": one.name }, h("option", { value: "" }, word("invent_any")), ...values.map(([value, label]) => h("option", { value }, label)));
    select.value = given === undefined ? "" : one.kind === "mark" ? (given ? "yes" : "no") : given;
    select.classList.toggle("any", given === undefined);
    select.addEventListener("change", () => this.set(one.name, select.value === "" ? undefined : one.kind === "mark" ? select.value === "yes" : select.value));
    return h("div", { class: "invent-one" }, h("div", { class: "invent-label" }, h("label", { for: id }, own(one.label))), select);
  }

  /** The page speaks another language, or for the first time. */
  rename() {
    if (!this.about) return;
    const examples = own(this.about.examples);
    this.field.placeholder = word("invent_example", { wish: examples[this.seed % examples.length] });
    this.engines.replaceChildren(...this.about.engines.map((/** @type {any} */ one) => h("option", { value: one.name, disabled: !one.ready, title: one.ready ? null : own(one.why) }, one.ready ? own(one.label) : word("invent_lacking", { engine: own(one.label), why: own(one.why) }))));
    this.engines.value = this.engine;
    this.engineRow.hidden = this.about.engines.filter((/** @type {any} */ one) => one.ready).length < 2;
    this.number.max = this.about.most_seed;
    this.chipsAndControls();
    this.draw();
  }

  /** @param {{message: string, hint?: string}} [error] */
  tell(error) {
    this.trouble.hidden = !error;
    this.trouble.textContent = error ? `${error.message} ${error.hint ?? ""}`.trim() : "";
    this.field.toggleAttribute("aria-invalid", false);
  }
}

/** A value in the page's language. @param {any} one a control @param {any} value */
function said(one, value) {
  if (one.kind === "mark") return word(value ? "invent_yes" : "invent_no");
  if (one.kind === "choice") return own(one.values.find((/** @type {any} */ each) => each.value === value)?.label) || String(value);
  if (!one.told) return String(Math.round(value));
  return own(one.told[Math.min(2, Math.floor((3 * (value - one.least)) / (one.most - one.least)))]);
}
