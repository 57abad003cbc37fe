/** Where one types, talks and stops. It keeps what was typed whatever happens to the connection. */
import { h, icon, iconButton, say, tip } from "./dom.js";
import { recall, remember } from "./keep.js";
import { word } from "./words.js";

const LONGEST = 4000;                                   // characters sent at once; the server has the last word
const TAP = 350;                                        // ms: a shorter press is a tap

export class Composer {
  /**
   * @param {{send(text: string): boolean, stop(): void, press(): void, release(): void, free(on: boolean): void, cancel(): void,
   *   tell(key: string, args?: object): void}} does
   */
  constructor(does) {
    this.does = does;
    this.busy = false;
    this.state = "connecting";
    this.touch = matchMedia("(pointer: coarse)").matches;
    this.box = h("textarea", { rows: 1, t: "say_here", enterkeyhint: "send", autocomplete: "off", id: "twin-text" });
    this.mic = iconButton("mic", "mic", () => {}, { class: "round mic" });
    this.hands = iconButton("hands", "free", () => does.free(this.hands.getAttribute("aria-pressed") !== "true"), { class: "round ghost hands", "aria-pressed": "false" });
    this.go = iconButton("send", "send", () => (this.busy && !this.box.value.trim() ? does.stop() : this.send()), { class: "round go" });
    this.note = h("div", { class: "note", hidden: true }, (this.noteWord = h("span")), h("button", { type: "button", class: "small", t: "cancel", onclick: () => this.done(true) }));
    this.hint = h("span", { class: "hint" });
    this.time = h("span", { class: "time", tip: "first_word_tip" });
    this.element = h("form", { class: "composer" }, this.note,
      h("div", { class: "field" }, this.hands, this.box, this.mic, this.go), h("div", { class: "below" }, this.hint, this.time));
    this.element.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    this.box.addEventListener("keydown", (event) => this.key(event));
    this.box.addEventListener("input", () => this.changed());
    this.hold();
    this.box.value = recall("draft", "");
    requestAnimationFrame(() => this.changed());
    this.show();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing || event.keyCode === 229) return;      // an input method is choosing characters
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.send();
    }
  }

  send() {
    const text = this.box.value.trim();
    if (!text) return;
    if (text.length > LONGEST) { this.does.tell("too_long", { n: LONGEST }); return; }
    if (!this.does.send(text)) return;
    this.done(true);
    if (!this.touch) this.box.focus();
  }

  /** @param {boolean} empty */
  done(empty) {
    if (empty) this.box.value = "";
    if (!this.note.hidden) this.does.cancel();
    this.note.hidden = true;
    this.changed();
  }

  changed() {
    remember("draft", this.box.value.slice(0, LONGEST));
    this.box.style.height = "auto";
    this.box.style.height = Math.min(this.box.scrollHeight, 168) + "px";
    this.show();
  }

  /** Text to look at before it is sent. @param {string} text @param {string} why key of words.js */
  offer(text, why) {
    this.box.value = text;
    if (why) say(this.noteWord, why);
    this.note.hidden = !why;
    this.changed();
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }

  /** The microphone: hold it, or a key on it; a short tap keeps it open until the next one. */
  hold() {
    const up = () => {
      if (!this.holding) return;
      this.holding = false;
      if (performance.now() - this.pressed < TAP && this.mode === "push") this.latched = true; else this.does.release();
    };
    const down = () => {
      if (this.holding) return;
      if (this.latched) { this.latched = false; this.does.release(); return; }
      this.holding = true;
      this.pressed = performance.now();
      this.does.press();
    };
    this.holding = this.latched = false;
    this.mic.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      event.preventDefault();
      this.mic.setPointerCapture(event.pointerId);
      down();
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) this.mic.addEventListener(type, up);
    this.mic.addEventListener("contextmenu", (event) => event.preventDefault());
    this.mic.addEventListener("keydown", (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); if (!event.repeat) down(); } });
    this.mic.addEventListener("keyup", (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); up(); } });
    this.mic.addEventListener("blur", up);
    addEventListener("keydown", (event) => { if (event.key === " " && !event.repeat && !this.element.closest("[inert]") && free(event)) { event.preventDefault(); down(); } });
    addEventListener("keyup", (event) => { if (event.key === " ") up(); });
    addEventListener("blur", up);
  }

  /** @param {string} state what the twin does @param {boolean} busy something can be stopped */
  setState(state, busy) {
    this.state = state;
    this.busy = busy;
    this.show();
  }

  /** @param {"off" | "push" | "free"} mode */
  setMic(mode) {
    this.mode = mode;
    if (mode !== "push") this.latched = this.holding = false;
    this.understood = "";
    this.mic.classList.toggle("on", mode === "push");
    tip(this.mic, mode === "push" ? "mic_on" : "mic");
    this.hands.setAttribute("aria-pressed", String(mode === "free"));
    tip(this.hands, mode === "free" ? "free_on" : "free");
    this.show();
  }

  /** What was understood so far, while somebody speaks. @param {string} text */
  hears(text) { this.understood = text; this.show(); }

  /** @param {number} level 0..1 */
  setLevel(level) { this.element.style.setProperty("--level", level.toFixed(3)); }

  /** @param {string} name of the twin */
  setName(name) { this.name = name; this.show(); }

  /** @param {number} ms */
  setFirst(ms) { this.time.textContent = word("first_word", { s: (ms / 1000).toFixed(2) }); this.ms = ms; }

  show() {
    const full = Boolean(this.box.value.trim()), stop = this.busy && !full;
    say(this.box, this.state === "offline" ? "say_offline" : "say_here", { name: this.name ?? "" });
    this.box.setAttribute("aria-label", word("message"));
    this.go.replaceChildren(icon(stop ? "stop" : "send"));
    this.go.classList.toggle("stopping", stop);
    this.go.disabled = !stop && (!full || this.state === "offline");
    tip(this.go, stop ? "stop" : "send");
    const speaking = this.state === "speaking";
    say(this.hint, this.mode === "push" ? "hint_push" : this.mode === "free" ? "hint_free" : this.touch ? (speaking ? "hint_speak_touch" : "hint_touch")
      : speaking ? "hint_speak" : "hint_type");
    if (this.understood && this.mode === "free") this.hint.textContent = `“${this.understood}…”`;
    if (this.ms) this.setFirst(this.ms);
  }
}

/** A space that nothing else wants. @param {KeyboardEvent} event */
function free(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return !event.ctrlKey && !event.altKey && !event.metaKey && !target.closest("textarea, input, select, button, a, dialog, [contenteditable]");
}
