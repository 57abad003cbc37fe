/** That this is an AI, at the start of every conversation, and again after each two hours of it: above the messages and among them. */
import { h } from "./dom.js";
import { recallHere, rememberHere } from "./keep.js";
import { own, word } from "./words.js";

const AGAIN = 2 * 3600_000, PAUSE = 30 * 60_000;         // ms of talking until it is said again; ms of silence that end a sitting
const LOOK = 30_000;

export class Reminder {
  /** @param {HTMLElement} list of messages @param {() => any} twin */
  constructor(list, twin) {
    Object.assign(this, { list, twin });
    this.element = h("p", { class: "note", role: "note" });
    setInterval(() => this.look(), LOOK);
  }

  /** Another conversation is shown. */
  begin() { this.element.textContent = this.said("ai_notice"); }

  /** Somebody spoke: the sitting goes on, or begins. It outlives a reload. */
  touch() {
    const now = Date.now(), before = this.sitting();
    this.keep(now - before.last > PAUSE ? { since: now, last: now } : { since: before.since, last: now });
  }

  look() {
    const { since, last } = this.sitting();
    if (!since || last - since < AGAIN) return;
    this.list.append(h("li", { class: "note" }, this.said("ai_again")));
    this.list.dispatchEvent(new CustomEvent("remind", { bubbles: true, detail: this.said("ai_again") }));                // page.js shows it where nobody misses it
    this.keep({ since: last, last });
  }

  sitting() {
    try { return { since: 0, last: 0, ...JSON.parse(recallHere("sitting") || "{}") }; } catch { return { since: 0, last: 0 }; }
  }

  /** @param {{since: number, last: number}} sitting */
  keep(sitting) { rememberHere("sitting", JSON.stringify(sitting)); }

  /** @param {string} key */
  said(key) { return word(key, { name: own(this.twin()?.name ?? "") }); }
}
