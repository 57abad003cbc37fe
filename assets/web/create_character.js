/** Step three: who the twin is, as a form that is kept while one types; filled by hand, from a Character Card or from a chat. */
import { askJson, coded } from "./api.js";
import { SceneNote } from "./create_scene.js";
import { h, icon, iconButton, say } from "./dom.js";
import { word } from "./words.js";

const WAIT = 700;                                       // ms after the last key
const LONGEST = { name: 80, tagline: 200, description: 8000, style: 2000, greeting: 500, fact: 500, asked: 300, said: 800 };

export const SCENES = ["customer_service", "teacher", "companion", "museum_guide", "event_host", "game_character", "idol", "language_partner", "medical_intake", "safety_trainer", "secretary", "shopping_adviser", "spokesperson"];   // persona/scenes/

/** The fields of a persona, for the wizard and for editing. It calls `changed` with all of them. */const PRIVATE = /^\s*(?:private|私密)\s*[:：]\s*/i;      // before a text: it stays here when the twin is shared (persona/private.py)

/** @param {string} text @returns {[string, boolean]} */
const unmark = (text) => [text.replace(PRIVATE, ""), PRIVATE.test(text)];

/** @param {Element} row @param {string} text */
const mark = (row, text) => (text.trim() && row.querySelector(".lock")?.getAttribute("aria-pressed") === "true" ? "private: " + text.replace(PRIVATE, "") : text.trim() ? text : "");

export class Form {
  /** @param {(fields: any) => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.rest = {};
    const text = (/** @type {string} */ name) => this.field(name, h("input", { type: "text", id: "create-f-" + name, class: "box", maxlength: LONGEST[name], autocomplete: "off", "data-p": "p_" + name }), name === "name");
    const area = (/** @type {string} */ name, rows = 3) => this.field(name, h("textarea", { id: "create-f-" + name, class: "box", rows, maxlength: LONGEST[name], "data-p": "p_" + name }));
    this.inputs = {};
    this.facts = h("ul", { class: "list" });
    this.examples = h("ul", { class: "list" });
    this.gender = h("select", { id: "create-f-gender", class: "box" }, h("option", { value: "", t: "g_none" }), h("option", { value: "female", t: "g_female" }), h("option", { value: "male", t: "g_male" }), h("option", { value: "other", t: "g_other" }));
    this.scene = h("select", { id: "create-f-scene", class: "box" }, h("option", { value: "", t: "scene_none" }), ...SCENES.map((own) => h("option", { value: own, t: "scene_" + own })));
    this.about = new SceneNote(this);
    this.scene.addEventListener("change", () => this.about.choose(this.scene.value));
    this.languages = h("div", { class: "ticks" }, ...[["en", "English"], ["zh", "中文"]].map(([code, name]) => h("label", {}, h("input", { type: "checkbox", value: code }), h("span", {}, name))));
    this.element = h("div", { class: "form" }, text("name"), text("tagline"),
      h("div", { class: "pair" }, this.field("age", h("input", { type: "text", inputmode: "numeric", id: "create-f-age", class: "box", maxlength: 5, "data-p": "p_age" })), this.field("gender", this.gender)),
      this.field("scene", this.scene), this.about.element,
      area("description", 4), area("style", 2), area("greeting", 2),
      this.group("facts", this.facts, () => this.fact("", true)), this.group("examples", this.examples, () => this.example(["", ""], true)), this.group("languages", this.languages));
    this.element.addEventListener("input", () => { this.clear(); this.about.offer(); this.changed(this.fields()); });
    this.rename();
  }

  /** @param {string} name @param {HTMLElement} input @param {boolean} [needed] */
  field(name, input, needed = false) {
    (this.inputs ??= {})[name] = input;
    return h("div", { class: "f", "data-field": name }, h("label", { class: "field-label", for: input.id }, h("span", { t: "f_" + name }), !needed && h("small", { t: "optional" })), input, h("p", { class: "beside", role: "alert", hidden: true }));
  }

  /** @param {string} name @param {HTMLElement} list @param {() => void} [add] */
  group(name, list, add) {
    return h("fieldset", { class: "f", "data-field": name }, h("legend", { class: "field-label" }, h("span", { t: "f_" + name })), list,
      add && h("button", { type: "button", class: "small add", onclick: add }, icon("plus"), h("span", { t: name === "facts" ? "add_fact" : "add_example" })), h("p", { class: "beside", role: "alert", hidden: true }));
  }

  /** @param {string} text @param {boolean} [focus] */
  fact(text, focus = false) {
    const [bare, hidden] = unmark(text), input = h("input", { type: "text", class: "box", maxlength: LONGEST.fact, value: bare, "aria-label": word("f_facts"), placeholder: word("p_fact") });
    input.addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); if (input.value.trim()) this.fact("", true); } });
    const row = h("li", {}, input, this.lock(hidden), iconButton("close", "remove", () => this.drop(row, this.facts), { class: "round tiny" }));
    this.facts.append(row);
    if (focus) input.focus();
  }

  /** @param {string[]} pair @param {boolean} [focus] */
  example([asked, said], focus = false) {
    const [bare, hidden] = unmark(asked), [answer, hiddenToo] = unmark(said);
    const row = h("li", { class: "exchange" }, h("div", {}, h("input", { type: "text", class: "box asked", maxlength: LONGEST.asked, value: bare, "aria-label": word("asked_label"), placeholder: word("p_asked") }),
      h("textarea", { class: "box said", rows: 2, maxlength: LONGEST.said, "aria-label": word("said_label"), placeholder: word("p_said") })), this.lock(hidden || hiddenToo), iconButton("close", "remove", () => this.drop(row, this.examples), { class: "round tiny" }));
    row.querySelector("textarea").value = answer;
    this.examples.append(row);
    if (focus) row.querySelector("input").focus();
  }

  /** Whether something stays here when the twin is shared. @param {boolean} on @returns {HTMLButtonElement} */
  lock(on) {
    const button = iconButton("lock", "keep_private", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      this.changed(this.fields());
    }, { class: "round tiny lock", "aria-pressed": String(on) });
    return button;
  }

  /** @param {HTMLElement} row @param {HTMLElement} list */
  drop(row, list) {
    const next = /** @type {HTMLElement | null} */ ((row.nextElementSibling ?? row.previousElementSibling)?.querySelector("input"));
    row.remove();
    (next ?? list.parentElement?.querySelector(".add"))?.focus();
    this.changed(this.fields());
  }

  /** @param {any} fields */
  fill(fields) {
    const { name, tagline, age, gender, description, style, greeting, facts, examples, languages, scene, ...rest } = fields ?? {};
    this.rest = rest;
    this.greetings = Array.isArray(greeting) ? greeting : null;
    const texts = { name, tagline, age, description, style, greeting: this.greetings ? this.greetings[0] : greeting };
    for (const [key, value] of Object.entries(texts)) this.inputs[key].value = value ?? "";
    if (gender && ![...this.gender.options].some((option) => option.value === gender)) this.gender.append(h("option", { value: gender }, gender));
    this.gender.value = gender ?? "";
    if (scene && !SCENES.includes(scene)) this.scene.append(h("option", { value: scene }, scene));
    this.scene.value = scene ?? "";
    this.facts.replaceChildren();
    this.examples.replaceChildren();
    for (const fact of facts ?? []) this.fact(fact);
    for (const pair of examples ?? []) this.example(pair);
    if (!facts?.length) this.fact("");
    if (!examples?.length) this.example(["", ""]);
    const spoken = languages?.length ? languages : [document.documentElement.lang.slice(0, 2)];
    for (const box of this.languages.querySelectorAll("input")) box.checked = spoken.includes(box.value);
    this.about.choose(this.scene.value, true);
    this.clear();
  }

  fields() {
    const value = (/** @type {string} */ name) => this.inputs[name].value;
    const greeting = this.greetings && value("greeting") ? [value("greeting"), ...this.greetings.slice(1)] : value("greeting");
    return { ...this.rest, name: value("name"), tagline: value("tagline"), age: value("age").trim(), gender: this.gender.value, scene: this.scene.value, description: value("description"), style: value("style"), greeting,
      facts: [...this.facts.children].map((row) => mark(row, row.querySelector("input").value)).filter(Boolean),
      examples: [...this.examples.children].map((row) => { const [asked, said] = [row.querySelector(".asked").value, row.querySelector(".said").value];
        return asked.trim() ? [mark(row, asked), said] : [asked, mark(row, said)]; }).filter((pair) => pair.some((text) => text.trim())),
      languages: [...this.languages.querySelectorAll("input:checked")].map((box) => box.value) };
  }

  /** An error beside its field. @param {any} error @returns {boolean} whether it has one */
  tell(error) {
    const place = error.field && this.element.querySelector(`[data-field="${error.field}"]`), beside = place?.querySelector(":scope > .beside");
    if (!beside) return false;
    beside.textContent = `${error.message} ${error.hint ?? ""}`.trim();
    beside.hidden = false;
    place.querySelector("input, textarea, select")?.setAttribute("aria-invalid", "true");
    place.scrollIntoView({ block: "nearest" });
    return true;
  }

  clear() {
    for (const beside of this.element.querySelectorAll(".beside")) /** @type {HTMLElement} */ (beside).hidden = true;
    for (const input of this.element.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  }

  rename() {
    this.about.rename();
    for (const input of this.element.querySelectorAll("[data-p]")) /** @type {HTMLInputElement} */ (input).placeholder = word(/** @type {HTMLElement} */ (input).dataset.p ?? "");
    for (const [kind, key] of [[".asked", "p_asked"], [".said", "p_said"]]) for (const input of this.examples.querySelectorAll(kind)) /** @type {HTMLInputElement} */ (input).placeholder = word(key);
    for (const input of this.facts.querySelectorAll("input")) input.placeholder = word("p_fact");
  }
}

export class CharacterStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    this.filled = false;
    this.form = new Form((fields) => this.typed(fields));
    const file = (/** @type {string} */ tip, /** @type {string} */ accept, /** @type {(file: File) => void} */ run) => { const input = h("input", { type: "file", accept, tip, hidden: true, onchange: () => { const [one] = input.files; input.value = ""; if (one) run(one); } }); return input; };
    const card = file("import_card", ".png,.json,.charx,image/png,application/json", (one) => this.card(one)), chat = file("import_chat", ".txt,.json,.zip,text/plain", (one) => this.chat(one));
    const source = (/** @type {any} */ name, /** @type {string} */ key, /** @type {any} */ input) => h("button", { type: "button", class: "source", onclick: () => input.click() }, icon(name), h("span", {}, h("b", { t: key }), h("small", { t: key + "_hint" })));
    this.note = h("div", { class: "form-note", role: "status", hidden: true });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    const documents = h("input", { type: "file", multiple: true, tip: "import_documents", hidden: true, accept: ".pdf,.docx,.md,.markdown,.html,.htm,.txt,.csv,.json,application/pdf,text/*", onchange: () => { this.documents([...documents.files]); documents.value = ""; } });
    this.element = h("div", {}, h("div", { class: "sources two three" }, source("card", "import_card", card), source("chat", "import_chat", chat), source("paste", "import_documents", documents)), card, chat, documents, this.trouble, this.note, this.form.element);
    this.element.addEventListener("dragover", (/** @type {DragEvent} */ event) => event.preventDefault());
    this.element.addEventListener("drop", (/** @type {DragEvent} */ event) => { event.preventDefault(); this.documents([...event.dataTransfer?.files ?? []]); });
  }

  ready() { return Boolean(this.form.inputs.name.value.trim()); }

  /** @param {any} draft */
  show(draft) { if (!this.filled) { this.filled = true; this.form.fill(draft.persona); } }

  rename() { this.form.rename(); }

  forget() { this.wizard.documents = []; clearTimeout(this.timer); this.filled = false; this.pending = null; this.note.hidden = this.trouble.hidden = true; }

  /** The page goes away: what was typed last is sent still. */
  flush() { if (this.pending) { askJson("draft/persona", { json: this.pending, keepalive: true }).catch(() => {}); this.pending = null; } }

  /** Sends what was typed last before the step is left; stays where it cannot be taken. */
  async leave() { return (await this.save()) !== false; }

  /** @param {any} fields */
  typed(fields) {
    this.pending = fields;
    this.wizard.preview.rename(fields);
    this.wizard.reach();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), WAIT);
  }

  async save() {
    clearTimeout(this.timer);
    const fields = this.pending, kept = this.wizard.element.querySelector("#twin-step-character .kept");
    if (!fields) return true;
    this.pending = null;
    if (kept) say(kept, "keeping");
    try {
      this.wizard.take(await askJson("draft/persona", { json: fields }));
      this.form.clear();
      this.trouble.hidden = true;
      if (kept) say(kept, "kept_now");
      return true;
    } catch (error) {
      this.pending ??= fields;
      if (kept) say(kept, "kept");
      if (!this.form.tell(error)) this.tell(error);
      return false;
    }
  }

  /** Documents wait on the page until the twin is there to learn them (create_build.js). @param {File[]} files */
  documents(files) {
    if (!files.length) return;
    this.wizard.documents = [...(this.wizard.documents ?? []).filter((one) => !files.some((file) => file.name === one.name)), ...files].slice(0, 20);
    this.remark(h("b", { t: "documents_wait", args: { n: this.wizard.documents.length } }), h("span", {}, this.wizard.documents.map((one) => one.name).join(" · ")),
      h("button", { type: "button", class: "small", t: "documents_drop", onclick: () => { this.wizard.documents = []; this.note.hidden = true; } }));
  }

  /** @param {File} file */
  async card(file) {
    await this.save();
    this.tell();
    try {
      const draft = await askJson("draft/card", { body: file, headers: { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name) } });
      this.refill(draft);
      this.remark(h("b", { t: "imported_card" }), ...(draft.notes ?? []).map((/** @type {string} */ note) => h("span", {}, note)));
    } catch (error) { this.tell(error); }
  }

  /** @param {File} file @param {string} [speaker] */
  async chat(file, speaker = "") {
    await this.save();
    this.tell();
    try {
      const draft = await askJson("draft/chat", { body: file, headers: { "Content-Type": "application/octet-stream", ...(speaker ? { "X-Twin-Speaker": coded(speaker) } : {}) } });
      if (draft.speakers?.length && !speaker) {
        this.remark(h("b", { t: "whose" }), h("div", { class: "row-buttons" }, ...draft.speakers.slice(0, 8).map((/** @type {any} */ one) => {
          const [name, count] = Array.isArray(one) ? one : [one.name ?? one, one.count ?? ""];
          return h("button", { type: "button", class: "small", onclick: () => this.chat(file, name) }, h("span", {}, name), h("small", {}, count && " " + word("whose_count", { n: count })));
        })));
        return;
      }
      this.refill(draft);
      this.remark(h("b", { t: "imported_chat", args: { n: draft.persona.examples?.length ?? 0 } }));
    } catch (error) { this.tell(error); }
  }

  /** @param {any} draft */
  refill(draft) {
    this.pending = null;
    this.form.fill(draft.persona);
    this.wizard.take(draft);
  }

  /** @param {...Node} parts */
  remark(...parts) { this.note.replaceChildren(...parts); this.note.hidden = false; this.note.scrollIntoView({ block: "nearest" }); }

  /** @param {any} [error] */
  tell(error) {
    this.trouble.hidden = !error;
    this.trouble.textContent = error ? `${error.message} ${error.hint ?? ""}`.trim() : "";
  }
}
