/** What the chosen scene does, and its template: put into fields that nobody has written in, and taken out again. */
import { askJson } from "./api.js";
import { h, say } from "./dom.js";
import { getLanguage, word } from "./words.js";

const FIELDS = ["tagline", "description", "style", "greeting"];
/** @type {Map<string, Promise<Map<string, any>>>} by language: asked for once */
const known = new Map();

/** @param {string} language @returns {Promise<Map<string, any>>} the scenes by id; throws ApiError */
function scenes(language) {
  if (!known.has(language)) {
    const asked = askJson("api/scenes").then(({ scenes }) => new Map(scenes.map((/** @type {any} */ one) => [one.id, one])));
    asked.catch(() => known.delete(language));
    known.set(language, asked);
  }
  return /** @type {Promise<Map<string, any>>} */ (known.get(language));
}

export class SceneNote {
  /** @param {import("./create_character.js").Form} form */
  constructor(form) {
    this.form = form;
    this.id = "";
    /** @type {Record<string, string>} what it put into which field */
    this.put = {};
    this.state = h("p", { class: "soft", role: "status" });
    this.element = h("div", { class: "scene-note", hidden: true });
  }

  /** @param {string} id @param {boolean} [anew] another persona is in the form */
  async choose(id, anew = false) {
    if (anew) this.put = {};
    else if (id === this.id) return;
    this.id = id;
    this.quiet();
    await this.show();
  }

  rename() { this.show(); }

  async show() {
    const language = getLanguage(), id = this.id;
    const found = id ? await scenes(language).catch(() => new Map()) : new Map();
    if (id !== this.id || language !== getLanguage()) return;
    this.scene = found.get(id);
    this.element.hidden = !this.scene;
    if (!this.scene) return;
    const { about, goals, limits, suggestions } = this.scene;
    const list = (/** @type {string} */ key, /** @type {string[]} */ rows) => h("div", {}, h("b", { t: key }), h("ul", {}, ...rows.map((row) => h("li", {}, row))));
    this.button = h("button", { type: "button", class: "small", t: "scene_fill", onclick: () => this.take() });
    this.undo = h("button", { type: "button", class: "small", t: "scene_undo", onclick: () => this.back() });
    this.element.replaceChildren(h("p", {}, about), h("div", { class: "scene-lists" }, list("scene_goals", goals), list("scene_limits", limits)), h("p", { class: "scene-asks" }, h("b", { t: "scene_asks" }), " " + suggestions.join(" · ")), h("div", { class: "row-buttons" }, this.button, this.undo, this.state));
    this.offer();
  }

  /** A text of the template as it would stand in the form. @param {string} field */
  text(field) {
    const text = this.scene?.template[field] ?? "", name = this.form.inputs.name.value.trim();
    if (!/\{\w+\}/.test(text)) return text;
    return name ? text.replace(/\{first\}/g, getLanguage() === "zh" ? name : name.split(/\s+/)[0]).replace(/\{name\}/g, name) : "";     // its opening is said anyway, with the name it then has
  }

  /** Fields that nobody has written in: empty, or as a template left them. */
  free() { return FIELDS.filter((field) => this.text(field) && [undefined, "", this.put[field]?.trim()].includes(this.form.inputs[field].value.trim()) && this.form.inputs[field].value.trim() !== this.text(field)); }

  /** Whether there is anything to fill in, or to take out. */
  offer() {
    if (!this.button || this.element.hidden) return;
    this.button.hidden = !this.free().length;
    this.undo.hidden = !this.standing().length;
    if (this.button.hidden && this.undo.hidden && !this.state.textContent) this.say("scene_none_free");
    else if (!this.button.hidden && this.state.dataset.t === "scene_none_free") this.quiet();
  }

  /** Fields that still say what a template put there. */
  standing() { return FIELDS.filter((field) => this.put[field] && this.form.inputs[field].value === this.put[field]); }

  take() {
    const free = this.free();
    for (const field of free) this.write(field, this.put[field] = this.text(field));
    this.form.changed(this.form.fields());
    this.say("scene_filled", { list: free.map((field) => word("f_" + field)).join(getLanguage() === "zh" ? "、" : ", ") });
    this.offer();
    this.undo.focus();
  }

  back() {
    for (const field of this.standing()) this.write(field, "");
    this.put = {};
    this.form.changed(this.form.fields());
    this.say("scene_gone");
    this.offer();
    this.button.focus();
  }

  /** @param {string} field @param {string} text */
  write(field, text) { this.form.inputs[field].value = text; }

  quiet() { delete this.state.dataset.t; this.state.textContent = ""; }

  /** @param {string} key @param {Record<string, any>} [args] */
  say(key, args = {}) { say(this.state, key, args); }
}
