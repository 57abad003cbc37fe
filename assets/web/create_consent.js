/** Step four: whose face and voice these are, what for, and a yes to the statement. */
import { h, icon, say } from "./dom.js";
import { askJson } from "./api.js";
import { Proof } from "./create_proof.js";
import { holdHere, recallHere } from "./keep.js";
import { own, word } from "./words.js";

const SCOPES = ["private", "link", "public"];
const WAIT = 600;                                       // ms after the last change

export class ConsentStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    const radio = (/** @type {string} */ value) => h("label", { class: "choice" }, h("input", { type: "radio", name: "create-relation", value, onchange: () => this.changed() }), h("span", { t: "rel_" + value }));
    const tick = (/** @type {string} */ value) => h("label", {}, h("input", { type: "checkbox", value, checked: true, onchange: () => this.changed() }), h("span", { t: "for_" + value }));
    this.relations = h("div", { class: "choices" }, radio("self"), radio("permission"));
    this.note = h("p", { class: "soft small-text", t: "rel_note", hidden: true });
    this.who = h("input", { type: "text", class: "box", id: "create-who", maxlength: 120, autocomplete: "name", oninput: () => this.changed() });
    this.for = h("div", { class: "ticks" }, tick("speech"), tick("film"));
    const reach = (/** @type {string} */ value) => h("label", { class: "choice" }, h("input", { type: "radio", name: "create-scope", value, checked: value === "private", onchange: () => this.changed() }), h("span", {}, h("span", { t: "scope_" + value }), h("small", { t: "scope_note_" + value })));
    this.scopes = h("div", { class: "choices three" }, ...SCOPES.map(reach));
    this.proof = new Proof(wizard, () => this.save());
    this.lead = h("p", { class: "lead", t: "consent_lead" });
    this.inventedWord = h("span");
    this.invented = h("div", { class: "form-note invented", hidden: true }, icon("spark"), h("div", {}, h("b", { t: "invent_nobody" }), this.inventedWord));
    this.statement = h("blockquote", { class: "statement" });
    this.agreed = h("input", { type: "checkbox", id: "create-agree", onchange: () => this.changed() });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.whose = h("span", { t: "whose_face" });
    this.asks = h("div", { class: "form" }, h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, this.whose), this.relations, this.note),
      h("div", { class: "f" }, h("label", { class: "field-label", for: "create-who" }, h("span", { t: "consent_who" })), this.who),
      h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, h("span", { t: "consent_for" })), this.for),
      h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, h("span", { t: "consent_scope" })), this.scopes), this.proof.element,
      this.statement, h("label", { class: "agree" }, this.agreed, h("span", { t: "consent_yes" })), this.trouble, h("p", { class: "soft small-text", t: "consent_record" }));
    this.element = h("div", {}, this.invented, this.asks);
  }

  /** @param {any} draft */
  show(draft) {
    const { invented } = draft;
    this.nobodys = Boolean(invented?.nobodys);
    this.invented.hidden = !invented;
    if (invented) this.inventedWord.textContent = word(this.nobodys ? "invent_nobody_all" : "invent_nobody_face", { engine: own(invented.label), seed: invented.seed ?? "" });
    this.asks.hidden = this.nobodys;
    const title = this.element.closest(".create-panel")?.querySelector("header h2");
    if (title) say(title, this.nobodys ? "invent_consent_title" : "consent_title");
    say(this.lead, this.nobodys ? "invent_consent_lead" : invented ? "invent_voice_lead" : "consent_lead");
    say(this.whose, invented ? "invent_whose_voice" : "whose_face");
    this.statement.textContent = own(invented ? this.wizard.given.statement_voice : this.wizard.given.statement);
    const given = draft.consent ?? (this.filled || this.dirty ? null : held());
    if (given && !this.filled && !this.dirty) {
      this.filled = true;
      this.who.value = given.who ?? "";
      for (const input of this.relations.querySelectorAll("input")) input.checked = input.value === given.relation;
      for (const input of this.for.querySelectorAll("input")) input.checked = uses(given).includes(input.value);
      for (const input of this.scopes.querySelectorAll("input")) input.checked = input.value === (given.scope ?? "private");
      this.agreed.checked = Boolean(draft.consent);
    }
    if (this.had && !draft.consent && !this.dirty) {                        // another photo or voice takes it back: asked anew
      this.agreed.checked = false;
      if (!draft.photo) this.who.value = "";
    }
    this.had = Boolean(draft.consent);
    this.proof.show(draft);
    this.note.hidden = this.relation !== "permission" || Boolean(invented);
  }

  get relation() { return /** @type {HTMLInputElement | null} */ (this.relations.querySelector("input:checked"))?.value ?? ""; }

  get uses() { return [...this.for.querySelectorAll("input:checked")].map((input) => input.value); }

  get scope() { return /** @type {HTMLInputElement | null} */ (this.scopes.querySelector("input:checked"))?.value ?? "private"; }

  ready() { return this.nobodys || Boolean(this.relation && this.who.value.trim() && this.uses.length && this.agreed.checked); }

  changed() {
    this.note.hidden = this.relation !== "permission" || !this.invented.hidden;
    this.trouble.hidden = true;
    this.dirty = true;
    this.wizard.reach();
    holdHere("consent", JSON.stringify({ who: this.who.value, relation: this.relation, for: this.uses, scope: this.scope }));
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), WAIT);
  }

  /** What the server is to keep: a whole yes, or none. */
  get record() { return this.ready() && !this.nobodys ? { who: this.who.value.trim(), relation: this.relation, for: this.uses, scope: this.scope, agreed: true } : { agreed: false }; }

  /** A yes is kept when it is whole, and one that is taken back goes at once. @returns {Promise<boolean>} */
  async save() {
    clearTimeout(this.timer);
    if (!this.dirty) return true;
    const json = this.record;
    if (!json.agreed && !this.wizard.draft.consent) { this.dirty = false; this.filled = true; return true; }
    try {
      this.dirty = false;
      this.filled = true;
      await this.wizard.send("/consent", { json });
      return true;
    } catch (error) {
      this.dirty = true;
      this.trouble.hidden = false;
      this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
      return error.status === 0;
    }
  }

  /** The page goes away. */
  flush() { if (this.dirty && (this.record.agreed || this.wizard.draft.consent)) askJson("draft/consent", { json: this.record, keepalive: true }).catch(() => {}); }

  forget() {
    clearTimeout(this.timer);
    holdHere("consent", "");
    this.filled = this.dirty = this.agreed.checked = false;
    this.who.value = "";
    for (const input of this.relations.querySelectorAll("input")) input.checked = false;
    for (const input of this.for.querySelectorAll("input")) input.checked = true;
    for (const input of this.scopes.querySelectorAll("input")) input.checked = input.value === "private";
    this.proof.close();
  }

  enter() {
    this.show(this.wizard.draft);
    const { name } = this.wizard.draft.persona;
    if (!this.who.value && name && !this.filled) this.who.placeholder = name;
  }

  leave() { this.proof.close(); return this.save(); }

  /** What is missing, when somebody asks. */
  why() { return !this.who.value.trim() ? word("need_who") : !this.uses.length ? word("need_for") : word("need_yes"); }
}

/** What a yes is for; older ones say talk. @param {any} given @returns {string[]} */
const uses = (given) => (given.for ?? ["speech", "film"]).map((/** @type {string} */ use) => (use === "talk" ? "speech" : use));

/** What was typed in this tab before a reload. */
function held() {
  try { return JSON.parse(recallHere("consent") || "null"); } catch { return null; }
}
