/** Where one types: the composer of a page that has no ears. */
import { FINGER, h, icon, iconButton, say, tip } from "./dom.js";
import { word } from "./words.js";

const LONGEST = 4000;

export class Box {
  /** @param {{send(text: string): void, stop(): void, tell(key: string, args?: object): void, cancel(): void}} does */
  constructor(does) {
    this.does = does;
    this.busy = false;
    this.name = "";
    this.box = h("textarea", { rows: 1, t: "say_here", enterkeyhint: "send", autocomplete: "off", maxlength: LONGEST, id: "twin-text" });
    this.go = iconButton("send", "send", () => (this.busy && !this.box.value.trim() ? does.stop() : this.send()), { class: "round go" });
    this.note = h("div", { class: "note", hidden: true }, h("span", { t: "editing" }), h("button", { type: "button", class: "small", t: "cancel", onclick: () => this.done() }));
    this.element = h("form", { class: "composer" }, this.note, h("div", { class: "field" }, this.box, this.go),
      h("div", { class: "below" }, h("span", { class: "hint", t: FINGER ? "alone_hint_touch" : "alone_hint" })));
    this.element.addEventListener("submit", (/** @type {Event} */ event) => { event.preventDefault(); this.send(); });
    this.box.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.isComposing || event.keyCode === 229 || event.key !== "Enter" || event.shiftKey) return;
      event.preventDefault();
      this.send();
    });
    this.box.addEventListener("input", () => this.show());
    this.show();
  }

  send() {
    const text = this.box.value.trim();
    if (!text) return;
    this.box.value = "";
    this.note.hidden = true;
    this.does.send(text);
    this.show();
    if (!FINGER) this.box.focus();
  }

  /** An earlier message, to be put anew. @param {string} text */
  offer(text) {
    this.box.value = text;
    this.note.hidden = false;
    this.show();
    this.box.focus();
    this.box.setSelectionRange(text.length, text.length);
  }

  done() {
    this.box.value = "";
    this.note.hidden = true;
    this.does.cancel();
    this.show();
  }

  /** @param {boolean} busy something can be stopped */
  setBusy(busy) { if (busy !== this.busy) { this.busy = busy; this.show(); } }

  show() {
    const full = Boolean(this.box.value.trim()), stop = this.busy && !full;
    this.box.style.height = "auto";
    this.box.style.height = Math.min(this.box.scrollHeight, 168) + "px";
    say(this.box, "say_here", { name: this.name });
    this.box.setAttribute("aria-label", word("message"));
    this.go.replaceChildren(icon(stop ? "stop" : "send"));
    this.go.classList.toggle("stopping", stop);
    this.go.disabled = !stop && !full;
    tip(this.go, stop ? "stop" : "send");
  }
}
