/**
 * The wizard: its frame (bar, picture, steps), the draft that the server keeps, and the way from one step to the next. What a step asks
 * is in create_<step>.js. Faces and voices go by api.js alone.
 */
import "./create_words.js";
import { askJson } from "./api.js";
import { BuildStep } from "./create_build.js";
import { CharacterStep } from "./create_character.js";
import { ConsentStep } from "./create_consent.js";
import { FaceStep } from "./create_face.js";
import { Preview } from "./create_preview.js";
import { VoiceStep } from "./create_voice.js";
import { h, icon, iconButton } from "./dom.js";
import { recallHere, rememberHere } from "./keep.js";
import { Notices } from "./notices.js";
import { fill, word } from "./words.js";

export const STEPS = ["face", "voice", "character", "consent", "build", "talk"];

/** Where Gradio put the frame and the steps (twin/page/create.py), once they are there. @param {string} name @returns {Promise<HTMLElement>} */
function placeOf(name) {
  const all = (window.twinCreate ??= Object.assign(new EventTarget(), { places: {} }));
  return new Promise((found) => {
    const look = () => {
      const told = all.places[name], place = told?.isConnected ? told : document.querySelector(name === "frame" ? ".create-frame" : `.create-step[data-step=${name}]`);
      if (!place || !all.go) return;
      all.removeEventListener("place", look);
      clearInterval(again);
      found(place);
    };
    const again = setInterval(look, 200);                // Gradio may tell of a place before it hangs in the page, and hang another there
    all.addEventListener("place", look);
    look();
  });
}

export class Wizard {
  /** @param {{talk: HTMLElement, done: (twin: any) => void, closed: () => void, language: () => void, tell: (message: string, hint: string) => void,
   * open: (file: File, how?: object) => Promise<any>}} does `talk`: the page behind; `done`: a twin was made; `tell`: says something there; `open`: a .twin file was chosen */
  constructor(does) {
    this.does = does;
    this.element = /** @type {HTMLElement} */ (document.getElementById("twin-create"));
    this.step = "";
    this.draft = null;
    this.given = { sentences: { en: [], zh: [] }, voices: [], statement: { en: "", zh: "" } };
    this.notices = new Notices();
    this.preview = new Preview(this);
    this.trash = iconButton("trash", "discard", () => this.askDiscard(), { class: "round create-trash", hidden: true });
    this.steps = { face: new FaceStep(this), voice: new VoiceStep(this), character: new CharacterStep(this), consent: new ConsentStep(this), build: new BuildStep(this) };
    this.element.addEventListener("keydown", (event) => { if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open") && !this.steps.build.busy) { event.stopPropagation(); this.close(); } });
    addEventListener("paste", (event) => { if (this.isOpen && this.step === "face") this.steps.face.pasted(event); });
    addEventListener("pagehide", () => { if (this.isOpen) this.steps[this.step]?.flush?.(); });
    addEventListener("dragover", (event) => { if (this.isOpen) event.preventDefault(); });          // a missed drop must not leave the page
    addEventListener("drop", (event) => { if (this.isOpen) event.preventDefault(); });
  }

  get isOpen() { return this.element.classList.contains("open"); }

  async open() {
    this.element.classList.add("open");
    this.does.talk.inert = true;
    rememberHere("creating", "yes");
    const frame = await placeOf("frame");
    if (!frame.firstChild) frame.append(this.bar(), this.preview.element, this.notices.element);
    try {
      const { draft, ...given } = await askJson("draft");
      this.given = given;
      this.take(draft);
    } catch (error) { this.fail(error); this.take(null); }
    await this.go(this.step || this.next());
  }

  close() {
    this.steps[this.step]?.leave?.();
    this.element.classList.remove("open");
    this.does.talk.inert = false;
    rememberHere("creating", "");
    this.does.closed();
  }

  /** The first step that wants something; a reload comes back to it. */
  next() {
    const kept = recallHere("createStep");
    if (STEPS.slice(0, 5).includes(kept) && this.draft?.photo) return kept;
    return "face";
  }

  bar() {
    return h("header", { class: "create-bar" }, h("span", { class: "brand" }, h("span", { class: "mark", "aria-hidden": "true" }, h("i"), h("i")), h("span", { class: "brand-word" }, "Twin")),
      h("span", { class: "gap" }), this.trash, h("button", { type: "button", class: "pill lang", t: "other_language", onclick: () => this.does.language() }),
      iconButton("close", "create_close", () => this.close(), { class: "round create-close" }));
  }

  /** The server's answer about the draft. @param {any} draft */
  take(draft) {
    this.draft = { photo: null, persona: {}, consent: null, missing: ["photo", "name", "consent"], ...draft, voice: draft?.voice ?? { clips: [], seconds: 0, training: null, ready: null } };
    const { photo, voice, persona, consent } = this.draft;
    this.trash.hidden = !(photo || voice.clips.length || voice.ready || consent || Object.values(persona).some((value) => value?.length));
    this.preview.show();
    for (const step of Object.values(this.steps)) step.show?.(this.draft);
    this.reach();
  }

  /** The draft as the server has it now. */
  async refresh() {
    try { this.take((await askJson("draft")).draft); } catch (error) { this.fail(error); }
  }

  /** Send something of the draft. @param {string} path @param {Parameters<typeof askJson>[1]} options @returns {Promise<any>} the draft; throws ApiError */
  async send(path, options) {
    const draft = await askJson("draft" + path, options);
    this.take(draft);
    return draft;
  }

  /** Turn to a step. @param {string} name */
  async go(name) {
    const number = STEPS.indexOf(name), before = this.step;
    if (number < 0 || (before && before !== name && (await this.steps[before]?.leave?.()) === false)) return;
    if (this.turning) return;
    this.turning = true;
    try {
      window.twinCreate.go(number);
      const host = await placeOf(name);
      this.step = name;
      rememberHere("createStep", name);
      if (name === "talk") this.welcome(host);
      else if (!host.firstChild) {
        host.append(this.panel(name));
        refill(host);                                   // its parts were made when the page may have spoken another language
      }
      this.element.dataset.step = name;
      this.preview.setStep(name);
      this.label();
      this.steps[name]?.enter?.();
      this.reach();
      host.querySelector(".create-body")?.scrollTo(0, 0);
      host.querySelector("h2")?.focus({ preventScroll: true });
    } finally { this.turning = false; }
  }

  /** @param {number} by */
  move(by) { return this.go(STEPS[STEPS.indexOf(this.step) + by]); }

  /** A step's panel: what it is about, what it asks, back and on. @param {string} name */
  panel(name) {
    const step = this.steps[name], first = name === STEPS[0], last = name === "build";
    step.nextButton = h("button", { type: "button", class: "wide strong", onclick: () => (step.proceed ? step.proceed() : this.move(1)) }, h("span", { t: "create_next" }), icon("right"));
    return h("section", { class: "create-panel", "aria-labelledby": "create-" + name },
      h("header", {}, h("h2", { id: "create-" + name, tabindex: -1, t: name + "_title" }), step.lead ?? h("p", { class: "lead", t: name + "_lead" })),
      h("div", { class: "create-body" }, step.element),
      h("div", { class: "create-foot" }, first ? step.backButton ?? h("span") : h("button", { type: "button", class: "wide", onclick: () => this.move(-1) }, h("span", { t: "create_back" })),
        h("span", { class: "kept", t: "kept" }), last ? step.goButton : step.nextButton));
  }

  /** Which steps can be gone on from. */
  reach() {
    const step = this.steps[this.step];
    if (step?.nextButton) step.nextButton.disabled = step.ready ? !step.ready() : false;
  }

  /** Gradio's stepper in the page's language. */
  label() {
    const walk = document.getElementById("twin-walk");
    walk?.querySelector("[role=tablist]")?.setAttribute("aria-label", word("create_title"));
    STEPS.forEach((name, n) => {
      const button = /** @type {HTMLButtonElement | null} */ (document.getElementById(`twin-step-${name}-button`));
      if (!button) return;
      button.dataset.label = word("step_" + name);
      button.setAttribute("aria-label", word("step_of", { n: n + 1, count: STEPS.length, name: word("step_" + name) }));
      if (button.dataset.ours) return;
      button.dataset.ours = "yes";
      button.addEventListener("click", (event) => {     // going back by the stepper keeps what is being typed, as the button does
        event.stopImmediatePropagation();
        if (n < STEPS.indexOf(this.step)) this.go(name);
      }, { capture: true });
    });
  }

  /** @param {any} error */
  fail(error) { if (error.name !== "AbortError") this.notices.show(error.message, error.hint ?? ""); }

  /** The language changed. */
  rename() {
    refill(this.element);
    this.element.lang = document.documentElement.lang;
    if (!this.draft) return;
    this.take(this.draft);
    for (const step of Object.values(this.steps)) step.rename?.();
    this.label();
  }

  /** The last step: the talk itself. @param {HTMLElement} host */
  welcome(host) {
    host.replaceChildren(h("section", { class: "create-panel born" }, h("h2", { tabindex: -1, t: "born", args: { name: this.draft.persona.name } }), h("p", { class: "lead", t: "born_lead" })));
  }

  /** A twin was made: on to talking with it. @param {any} twin */
  async made(twin) {
    await this.go("talk");
    await new Promise((resolve) => { setTimeout(resolve, 700); });
    this.step = "";
    rememberHere("createStep", "");
    this.element.classList.remove("open");
    this.does.talk.inert = false;
    rememberHere("creating", "");
    this.forget();
    window.twinCreate.go(0);
    this.does.done(twin);
  }

  askDiscard() {
    const dialog = h("dialog", { class: "sheet small-sheet", "aria-labelledby": "create-discard" }, h("header", {}, h("h2", { id: "create-discard", t: "discard_title" })), h("p", { t: "discard_text" }),
      h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "keep_it", onclick: () => dialog.close() }), h("button", { type: "button", class: "small danger", t: "delete_it", onclick: () => { dialog.close(); this.discard(); } })));
    dialog.addEventListener("close", () => dialog.remove());
    this.element.append(dialog);
    dialog.showModal();
  }

  /** Everything of the draft goes, here and on the server, with what is on its way. */
  async discard() {
    this.preview.stopping?.abort();
    for (const step of Object.values(this.steps)) step.forget?.();
    try { await askJson("draft", { method: "DELETE" }); } catch (error) { this.fail(error); return; }
    this.forget();
    if (this.step !== "face") this.go("face");
  }

  /** Nothing of the draft stays in this page. */
  forget() {
    for (const step of Object.values(this.steps)) step.forget?.();
    this.take(null);
  }
}

/** Every word in an element, in the page's language. @param {HTMLElement} element */
function refill(element) {
  for (const one of element.querySelectorAll("[data-t], [data-tip]")) fill(/** @type {HTMLElement} */ (one));
}
