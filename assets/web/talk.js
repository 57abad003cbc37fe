/** The conversation as a list: what was said, how it was answered, and what can be done with each message. */
import { h, iconButton } from "./dom.js";
import { Reminder } from "./reminder.js";
import { getLanguage, has, own, word } from "./words.js";

/** @typedef {{role: "user" | "assistant", text: string, cut: string, turn: number, step: string, mood: string, sources: string[],
 *   open: boolean, element: HTMLElement}} Item */

const STARTERS = ["start_1", "start_2", "start_3"];      // what one may ask first
export const SENT = -1, COMING = -2;                     // turns of messages that the server has not named yet

export class Talk {
  /** @param {{edit(item: Item): void, rewind(item: Item): void, regenerate(): void, copy(text: string): void, start(text: string): void,
   *   teach?(item: Item): void, teaches?(): boolean}} does `teaches`: whether the twin is one's own */
  constructor(does) {
    this.does = does;
    /** @type {Item[]} */
    this.items = [];
    /** @type {any} */ this.twin = null;
    this.list = h("ol", { class: "messages", role: "log", "aria-live": "polite", "aria-relevant": "additions", tip: "conversation" });
    this.hello = h("div", { class: "hello-place" });
    this.scene = h("p", { class: "scene-line", role: "status", tip: "scene_state", hidden: true });
    this.reminder = new Reminder(this.list, () => this.twin);
    this.element = h("div", { class: "talk", tabindex: 0, role: "region", tip: "conversation" }, this.hello, this.reminder.element, this.list, h("p", { class: "empty", t: "empty_hint" }), this.scene,
      this.row = h("div", { class: "starters" }, ...this.usual()));
    this.near = true;
    this.element.addEventListener("scroll", () => {
      this.near = this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < 80;
    }, { passive: true });
  }

  /** What one may ask of anybody. */
  usual() { return STARTERS.map((t) => h("button", { type: "button", t, onclick: () => this.does.start(word(t)) })); }

  /** What one may ask first: what the twin's scene suggests, if it has one. */
  first() {
    const asks = this.twin?.suggestions?.[getLanguage() === "zh" ? "zh" : "en"];
    if (asks) this.row.replaceChildren(...asks.map((/** @type {string} */ text) => h("button", { type: "button", onclick: () => this.does.start(text) }, text)));
    else if (this.suggested) this.row.replaceChildren(...this.usual());
    this.suggested = Boolean(asks);
  }

  /** @param {any[]} history @param {any} twin */
  load(history, twin) {
    this.twin = twin;
    this.first();
    const pending = this.items.filter((item) => item.turn < 0);           // sent, not yet heard of
    this.items = [];
    this.list.replaceChildren();
    this.list.setAttribute("aria-live", "off");         // an old conversation is not read out
    for (const message of history) {
      this.add({ role: message.role, text: message.content, cut: message.cut ?? "", turn: message.turn ?? 0, step: message.step ?? "",
        mood: message.mood ?? "", sources: message.sources ?? [], open: false });
    }
    for (const item of pending) { this.items.push(item); this.list.append(item.element); }
    this.stand(history.findLast((message) => message.state)?.state?.shown);
    this.reminder.begin();
    requestAnimationFrame(() => { this.list.setAttribute("aria-live", "polite"); this.down(true); });
  }

  /** @param {Omit<Item, "element">} fields @returns {Item} */
  add(fields) {
    const element = h("li", { class: fields.role === "user" ? "me" : "her" });
    const item = { ...fields, element };
    this.items.push(item);
    this.list.append(element);
    if (fields.turn < 0 || fields.open) this.reminder.touch();
    this.draw(item);
    this.down(fields.role === "user");
    return item;
  }

  /** What the user sent, before the server has said which turn it is. @param {string} text */
  ask(text) { this.settle(); return this.add({ role: "user", text, cut: "", turn: SENT, step: "", mood: "", sources: [], open: false }); }

  /** @param {{turn: number, text: string, sure: boolean}} heard */
  heard({ turn, text }) {
    const pending = this.items.findLast((item) => item.turn === SENT);
    if (pending) { pending.turn = turn; if (pending.text !== text) { pending.text = text; this.draw(pending); } }
    else if (text) { this.settle(); this.add({ role: "user", text, cut: "", turn, step: "", mood: "", sources: [], open: false }); }
  }

  /** The twin is about to answer. */
  wait() { this.items.some((item) => item.turn === COMING) || this.add({ role: "assistant", text: "", cut: "", turn: COMING, step: "", mood: "", sources: [], open: true }); }

  /** The reply of a turn. @param {number} turn */
  reply(turn) {
    const coming = this.items.find((item) => item.turn === COMING);
    if (coming) coming.turn = turn;
    return this.items.find((item) => item.turn === turn && item.role === "assistant")
      ?? this.add({ role: "assistant", text: "", cut: "", turn, step: "", mood: "", sources: [], open: true });
  }

  /** @param {{turn: number, step: string, mood: string, sources: string[], shown?: Record<string, string> | null}} thought */
  thought({ turn, step, mood, sources, shown }) {
    if (shown) this.stand(shown);
    const item = this.reply(turn);
    Object.assign(item, { step, mood, sources: sources ?? [] });
    this.draw(item);
    this.down();
  }

  /** How the scene stands: a score, a quest, what is in the bag. @param {Record<string, string> | null} [shown] by language */
  stand(shown) {
    this.standing = shown ?? null;
    const text = this.standing?.[getLanguage() === "zh" ? "zh" : "en"] ?? "";
    this.scene.textContent = text;
    this.scene.hidden = !text;
  }

  /** @param {{turn: number, text: string}} token */
  token({ turn, text }) {
    const item = this.reply(turn);
    item.text += text;
    this.draw(item);
    this.down();
  }

  /** @param {{turn: number, reason: string, heard: string}} ended */
  ended({ turn, reason, heard }) {
    const item = this.items.find((other) => other.turn === turn && other.role === "assistant");
    if (!item) { if (reason === "failed") this.settle(); return; }
    item.open = false;
    const all = item.text.trim(), told = (heard ?? "").trim();
    if (reason === "interrupted" && told.length < all.length) {
      const at = all.startsWith(told) ? told.length : 0;
      item.cut = all.slice(at).trim();
      item.text = at ? told : "";
    }
    if (!item.text && !item.cut) this.remove(item); else this.draw(item);
  }

  /** Nothing is open any more: another question came. */
  settle() {
    for (const item of this.items.filter((other) => other.open)) {
      item.open = false;
      if (item.turn === COMING) this.remove(item); else this.draw(item);
    }
  }

  /** What was sent was not taken. */
  withdraw() { for (const item of this.items.filter((other) => other.turn < 0)) this.remove(item); }

  /** @param {Item} item */
  remove(item) {
    item.element.remove();
    this.items = this.items.filter((other) => other !== item);
  }

  /** Forget this message and all behind it. @param {number} index */
  cutFrom(index) { for (const item of this.items.slice(index)) this.remove(item); }

  /** @param {Item} item */
  draw(item) {
    const waiting = item.open && !item.text;
    const text = h("div", { class: "text" }, item.text + seam(item), item.cut && h("span", { class: "cut", title: word("cut_tip") }, item.cut),
      waiting && h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")));
    const foot = h("div", { class: "meta" }, item.role === "assistant" && !waiting && this.how(item), h("span", { class: "tools" }, ...this.tools(item).filter(Boolean)));
    item.element.replaceChildren(h("span", { class: "unseen" }, (item.role === "user" ? word("you") : own(this.twin?.name ?? "")) + ": "), text, foot);
    item.element.classList.toggle("open", item.open);
  }

  /** Which step made the answer, in which mood, from what. @param {Item} item */
  how({ step, mood, sources }) {
    const parts = [];
    if (has("step_" + step)) parts.push(h("span", { class: "step", t: "step_" + step, title: word("tip_" + step), tabindex: -1 }));
    if (mood && mood !== "neutral" && has("mood_" + mood)) parts.push(h("span", { t: "mood_" + mood }));
    const list = sources.filter((source) => /\s|[\u3400-\u9fff]/.test(source) && !/^\w+ \d+$/.test(source)).slice(0, 2);   // ids mean nothing to a reader
    if (list.length) parts.push(h("span", { class: "source" }, word("sources", { list: list.join(" · ") })));
    return h("span", { class: "how" }, ...parts.flatMap((part, i) => (i ? [" · ", part] : [part])));
  }

  /** @param {Item} item */
  tools(item) {
    const tool = { class: "round tiny" };
    const copy = iconButton("copy", "copy", () => this.does.copy(item.text), tool);
    if (item.role === "user") return [iconButton("edit", "edit", () => this.does.edit(item), tool), copy];
    if (item.open) return [];
    const again = this.items.some((other) => other.role === "user") && iconButton("again", "regenerate", () => this.does.regenerate(), { class: "round tiny last-only" });
    const teach = this.does.teaches?.() && iconButton("down", "teach", () => this.does.teach?.(item), tool);
    return [copy, teach, again,
      iconButton("rewind", "rewind", () => this.does.rewind(item), { class: "round tiny not-last" })];
  }

  /** To the newest message, unless one is reading further up. @param {boolean} [now] */
  down(now = false) {
    if (!now && !this.near) return;
    this.near = true;
    requestAnimationFrame(() => { this.element.scrollTop = this.element.scrollHeight; });
  }

  /** After a change of language. */
  redraw() { this.first(); this.stand(this.standing); if (this.twin) this.reminder.begin(); for (const item of this.items) this.draw(item); }

  /** The conversation as Markdown. */
  markdown() {
    const name = own(this.twin?.name ?? "Twin"), when = new Date().toLocaleString(getLanguage() === "zh" ? "zh-CN" : "en-GB");
    const said = this.items.map((item) => `**${item.role === "user" ? word("you") : name}:** ${item.text}${item.cut ? ` ~~${item.cut}~~` : ""}`);
    return `# ${name}\n\n${word("saved_by", { name, when })}\n\n${said.join("\n\n")}\n`;
  }
}

/** What stands between what was heard and what was not. @param {{text: string, cut: string}} item */
const seam = ({ text, cut }) => (text && cut && !(/[\u3000-\uffef]$/.test(text) || /^[\u3000-\uffef]/.test(cut)) ? " " : "");
