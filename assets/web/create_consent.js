/** Step four: whose face and voice these are, what for, and a yes to the statement. */
import { h } from "./dom.js";
import { own, word } from "./words.js";

export class ConsentStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    const radio = (/** @type {string} */ value) => h("label", { class: "choice" }, h("input", { type: "radio", name: "create-relation", value, onchange: () => this.changed() }), h("span", { t: "rel_" + value }));
    const tick = (/** @type {string} */ value) => h("label", {}, h("input", { type: "checkbox", value, checked: true, onchange: () => this.changed() }), h("span", { t: "for_" + value }));
    this.relations = h("div", { class: "choices" }, radio("self"), radio("permission"));
    this.note = h("p", { class: "soft small-text", t: "rel_note", hidden: true });
    this.who = h("input", { type: "text", class: "box", id: "create-who", maxlength: 120, autocomplete: "name", oninput: () => this.changed() });
    this.for = h("div", { class: "ticks" }, tick("talk"), tick("film"));
    this.statement = h("blockquote", { class: "statement" });
    this.agreed = h("input", { type: "checkbox", id: "create-agree", onchange: () => this.changed() });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.element = h("div", { class: "form" }, h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, h("span", { t: "whose_face" })), this.relations, this.note),
      h("div", { class: "f" }, h("label", { class: "field-label", for: "create-who" }, h("span", { t: "consent_who" })), this.who),
      h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, h("span", { t: "consent_for" })), this.for),
      this.statement, h("label", { class: "agree" }, this.agreed, h("span", { t: "consent_yes" })), this.trouble, h("p", { class: "soft small-text", t: "consent_record" }));
  }

  /** @param {any} draft */
  show(draft) {
    this.statement.textContent = own(this.wizard.given.statement);
    const given = draft.consent;
    if (given && !this.filled) {
      this.filled = true;
      this.who.value = given.who ?? "";
      for (const input of this.relations.querySelectorAll("input")) input.checked = input.value === given.relation;
      for (const input of this.for.querySelectorAll("input")) input.checked = given.for?.includes(input.value) ?? true;
      this.agreed.checked = true;
    }
    if (!given && this.filled) {                        // another photo or voice takes it back: asked anew
      this.filled = this.agreed.checked = false;
      if (!draft.photo) this.who.value = "";
    }
    this.note.hidden = this.relation !== "permission";
  }

  get relation() { return /** @type {HTMLInputElement | null} */ (this.relations.querySelector("input:checked"))?.value ?? ""; }

  get uses() { return [...this.for.querySelectorAll("input:checked")].map((input) => input.value); }

  ready() { return Boolean(this.relation && this.who.value.trim() && this.uses.length && this.agreed.checked); }

  changed() {
    this.note.hidden = this.relation !== "permission";
    this.trouble.hidden = true;
    this.dirty = true;
    this.wizard.reach();
  }

  enter() {
    const { name } = this.wizard.draft.persona;
    if (!this.who.value && name && !this.filled) this.who.placeholder = name;
  }

  async leave() {
    if (!this.dirty) return true;
    const json = this.ready() ? { who: this.who.value.trim(), relation: this.relation, for: this.uses, agreed: true } : { agreed: false };
    try { await this.wizard.send("/consent", { json }); this.dirty = false; this.filled = true; return true; }
    catch (error) { this.trouble.hidden = false; this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim(); return error.status === 0; }
  }

  /** What is missing, when somebody asks. */
  why() { return !this.who.value.trim() ? word("need_who") : !this.uses.length ? word("need_for") : word("need_yes"); }
}
