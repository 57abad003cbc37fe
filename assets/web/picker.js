/** The twins one can talk with, as faces. Arrow keys move, Enter chooses. */
import { h } from "./dom.js";
import { own } from "./words.js";

export class Picker {
  /** @param {(id: string) => void} choose */
  constructor(choose) {
    this.choose = choose;
    this.twins = [];
    this.id = "";
    this.element = h("div", { class: "picker", role: "radiogroup", tip: "twins" });
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {any[]} twins @param {string} id the one on stage */
  show(twins, id) {
    this.twins = twins;
    this.id = id;
    const focused = this.element.contains(document.activeElement);
    this.element.replaceChildren(...twins.map((twin) => this.button(twin)));
    if (focused) this.element.querySelector("[aria-checked=true]")?.focus();
  }

  /** @param {any} twin */
  button(twin) {
    const on = twin.id === this.id, base = new URL(twin.face.replace(/^\//, ""), document.baseURI).href;
    return h("button", { type: "button", role: "radio", "aria-checked": String(on), tabindex: on ? 0 : -1, title: own(twin.tagline),
      "data-id": twin.id, onclick: () => this.pick(twin.id) },
    h("span", { class: "avatar", style: `background-image:url("${base}portrait.webp"),url("${base}background.webp")` }), h("span", { class: "short" }, shortName(twin)));
  }

  /** @param {string} id */
  pick(id) { if (id !== this.id) this.choose(id); }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.element.querySelectorAll("button")], at = buttons.indexOf(document.activeElement);
    const next = buttons[(at + step + buttons.length) % buttons.length];
    for (const button of buttons) button.tabIndex = button === next ? 0 : -1;
    next.focus();
  }
}

const ORDER = ["maya", "kofi", "lin", "hao"];

/** The default twins as their makers introduce them, then the others. @param {any[]} twins */
export function inOrder(twins) {
  const place = (/** @type {any} */ twin) => (ORDER.indexOf(twin.id) + 1 || ORDER.length + 1);
  return [...twins].sort((a, b) => place(a) - place(b));
}

/** "Maya Torres" is Maya; Chinese names are said whole. @param {any} twin */
export function shortName(twin) {
  const name = own(twin.name);
  if (/[\u3400-\u9fff]/.test(name)) return name;
  return twin.languages?.[0] === "zh" ? name.split(" ").at(-1) : name.split(" ")[0];
}
