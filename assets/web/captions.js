/** What is being said, on the picture: words that were spoken are bright, coming ones dim. */
import { h } from "./dom.js";

const LINGER = 1.4;                                     // s a caption stays after its last word
const WIDE = 92, WIDE_HAN = 36;                         // characters shown together, Latin and Han
const PACE = 15, PACE_HAN = 4.6;                        // characters a second, where the sound has not come yet

/** @typedef {{text: string, start: number, end: number, done: boolean}} Clause  s on the player's clock */

const han = (/** @type {string} */ text) => /[\u3400-\u9fff]/.test(text);

/** How much of a text can be read in how long, s. @param {string} text */
const reading = (text) => Math.max(0.4, text.length / (han(text) ? PACE_HAN : PACE));

/** The clauses of the turn that is being played. @param {import("./player.js").Piece[]} pieces @returns {Clause[]} */
export function clausesOf(pieces) {
  /** @type {Clause[]} */
  const clauses = [];
  for (const piece of pieces) {
    const last = clauses.at(-1);
    if (piece.text) {
      if (last) last.done = true;
      const start = last && !piece.seconds ? Math.max(piece.when, last.end) : piece.when;
      clauses.push({ text: piece.text, start, end: piece.when + (piece.seconds || (piece.buffer ? 0 : reading(piece.text) + start - piece.when)), done: !piece.seconds });
    } else if (last) last.end = piece.when + piece.seconds;
  }
  return clauses;
}

export class Captions {
  constructor() {
    this.bright = h("span", { class: "said" });
    this.dim = h("span", { class: "coming" });
    this.text = h("p", {}, this.bright, this.dim);
    this.element = h("div", { class: "captions", "aria-hidden": "true" }, this.text);   // the conversation is read out instead
    this.shown = "";
  }

  /** @param {number} height px that are free below the chin */
  room(height) { this.element.style.setProperty("--room", Math.round(height) + "px"); }

  /** The box is no wider than its balanced lines. */
  tighten() {
    this.text.style.width = "";
    const range = document.createRange();
    range.selectNodeContents(this.text);
    const lines = [...range.getClientRects()];
    if (lines.length) this.text.style.width = Math.ceil(Math.max(...lines.map((line) => line.right)) - Math.min(...lines.map((line) => line.left)) + 2) + "px";
  }

  /** Follow the player. @param {import("./player.js").Player} player @returns {boolean} whether the text is another one */
  update(player) {
    const clauses = player.locked ? [] : clausesOf(player.pieces), now = player.now;
    let current = clauses.findLastIndex((clause) => clause.start <= now);
    if (current < 0 && clauses.length) current = 0;
    if (current >= 0 && current === clauses.length - 1 && now > clauses[current].end + LINGER) current = -1;
    if (current < 0) return this.show("", 0);
    const [from, to] = this.group(clauses, current);
    let text = "", said = 0;
    for (let i = from; i <= to; i++) {
      const { start, end, done, text: clause } = clauses[i];
      const length = done ? end - start : Math.max(end - start, reading(clause));
      const part = Math.min(1, Math.max(0, (now - start) / (length || 1)));
      if (part > 0) said = text.length + whole(clause, part);
      text += clause;
    }
    return this.show(text, said);
  }

  /** Neighbours that fit on the picture together, chosen from the first clause on so that they do not jump. @param {Clause[]} clauses
   * @param {number} current @returns {[number, number]} */
  group(clauses, current) {
    let from = 0, size = 0;
    for (let i = 0; i < clauses.length; i++) {
      const length = clauses[i].text.length, wide = han(clauses[i].text) ? WIDE_HAN : WIDE;
      if (size && size + length > wide) {
        if (i > current) return [from, i - 1];
        from = i;
        size = 0;
      }
      size += length;
    }
    return [from, clauses.length - 1];
  }

  /** @param {string} text @param {number} said characters */
  show(text, said) {
    const key = said + text;
    if (key === this.shown) return false;
    const other = text !== this.bright.textContent + this.dim.textContent;
    this.shown = key;
    this.element.classList.toggle("on", text !== "");
    if (!text) return other;                             // it fades with its words: an empty box would be seen shrinking
    this.bright.textContent = text.slice(0, said);
    this.dim.textContent = text.slice(said);
    return other;
  }
}

/** So many characters of a clause that no word is split. @param {string} text @param {number} part 0..1 */
function whole(text, part) {
  const at = Math.round(text.length * part);
  if (han(text) || at >= text.length) return Math.min(at, text.length);
  const end = text.indexOf(" ", at);
  return end < 0 ? text.length : end;
}
