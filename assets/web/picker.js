/** The twins one can talk with, as faces. Arrow keys move, Enter chooses. */
import { h, icon } from "./dom.js";
import { portrait } from "./pictures.js";
import { own } from "./words.js";

export class Picker {
  /** @param {(id: string) => void} choose @param {() => void} make a new one @param {(twin: any) => Node} more what can be done with an own one */
  constructor(choose, make, more) {
    this.choose = choose;
    this.more = more;
    this.twins = [];
    this.id = "";
    this.group = h("div", { class: "picker-twins", role: "radiogroup", tip: "twins" });
    this.make = h("button", { type: "button", class: "make", tip: "make_own", onclick: () => make() }, h("span", { class: "avatar" }, icon("plus")), h("span", { class: "short", t: "make_you" }));
    this.element = h("div", { class: "picker" }, this.group, this.make);
    this.group.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {any[]} twins @param {string} id the one on stage */
  show(twins, id) {
    this.twins = twins;
    this.id = id;
    const focused = this.group.contains(document.activeElement);
    this.group.replaceChildren(...twins.map((twin) => (twin.own && twin.id === id ? h("span", { class: "picker-own" }, this.button(twin), this.more(twin)) : this.button(twin))));
    if (focused) this.group.querySelector("[aria-checked=true]")?.focus();
    this.group.querySelector("[aria-checked=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {any} twin */
  button(twin) {
    const on = twin.id === this.id, avatar = h("span", { class: "avatar" });
    portrait(avatar, twin);
    return h("button", { type: "button", role: "radio", "aria-checked": String(on), tabindex: on ? 0 : -1, title: own(twin.tagline),
      "data-id": twin.id, onclick: () => this.pick(twin.id) },
    avatar, h("span", { class: "short" }, shortName(twin)));
  }

  focusMake() { this.make.focus(); }

  /** @param {string} id */
  pick(id) { if (id !== this.id) this.choose(id); }

  /** @param {KeyboardEvent} event */
  key(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const buttons = [...this.group.querySelectorAll("[role=radio]")], at = buttons.indexOf(document.activeElement);
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
