/** The conversation of a page without a server: the page's own, which also says of an answer that it is only written, and what one might ask instead. */
import { h } from "./dom.js";
import { Talk } from "./talk.js";
import { word } from "./words.js";

export class Lines extends Talk {
  /** @param {ConstructorParameters<typeof Talk>[0]} does @param {() => string[]} starters in the page's language */
  constructor(does, starters) {
    super(does);
    this.starters = starters;
    this.row = /** @type {HTMLElement} */ (this.element.querySelector(".starters"));
    this.hint = h("div", { class: "near", hidden: true });
    this.row.after(this.hint);
    /** @type {Map<number, string>} what is to be said of the answer of a turn: a key of words.js */
    this.notes = new Map();
    this.host = "";
    this.offer();
  }

  /** What one may ask first. */
  offer() { this.row.replaceChildren(...this.starters().slice(0, 4).map((text) => this.chip(text))); }

  /** What is in the file, under an answer that says it doesn't know. @param {string[]} asks none: hides it */
  suggest(asks, key = "alone_near") {
    this.hint.hidden = !asks.length;
    this.hint.replaceChildren(h("p", { t: key }), ...asks.map((text) => this.chip(text)));
    if (asks.length) this.down(true);
  }

  /** @param {string} text */
  chip(text) { return h("button", { type: "button", onclick: () => this.does.start(text) }, text); }

  /** @param {import("./talk.js").Item} item */
  how(item) {
    const span = super.how(item), key = this.notes.get(item.turn);
    if (key) span.append(span.childNodes.length ? " · " : "", h("span", { title: key === "alone_written" ? word("tip_alone_written") : "" }, word(key, { host: this.host })));
    return span;
  }

  redraw() { super.redraw(); this.offer(); }
}
