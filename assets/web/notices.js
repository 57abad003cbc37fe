/** What went wrong or right, kindly, beside the composer: one sentence and the way out. */
import { h, iconButton } from "./dom.js";
import { word } from "./words.js";

const STAY = 9000;                                      // ms, longer for what carries a button

export class Notices {
  constructor() {
    this.element = h("div", { class: "notices", role: "status", "aria-live": "polite" });
    this.banner = null;
  }

  /** @param {string} message @param {string} [hint] @param {{kind?: "good" | "bad", action?: string, run?: () => void, stay?: boolean}} [options] */
  show(message, hint = "", { kind = "bad", action = "", run = () => {}, stay = false } = {}) {
    for (const other of this.element.querySelectorAll(".notice")) if (other.dataset.message === message) other.remove();
    const gone = () => { notice.classList.add("going"); setTimeout(() => notice.remove(), 160); };
    const notice = h("div", { class: `notice ${kind}`, "data-message": message }, h("div", {}, h("b", {}, message), hint && h("span", {}, hint)),
      action && h("button", { type: "button", class: "small", onclick: () => { run(); gone(); } }, action), iconButton("close", "dismiss", gone, { class: "round tiny" }));
    this.element.append(notice);
    while (this.element.querySelectorAll(".notice").length > 3) this.element.querySelector(".notice")?.remove();
    if (!stay) setTimeout(gone, action ? 2 * STAY : kind === "good" ? STAY / 3 : STAY);
    return gone;
  }

  /** Words of words.js. @param {string} key its hint is `key_hint` */
  tell(key, args = {}, options = {}) { return this.show(word(key, args), word(key + "_hint", args).replace(key + "_hint", ""), options); }

  /** The banner of a lost connection. @param {boolean} on @param {() => void} retry */
  offline(on, retry) {
    if (on === Boolean(this.banner)) return;
    this.banner?.remove();
    this.banner = on ? h("div", { class: "notice banner" }, h("div", {}, h("b", { t: "offline_title" }), h("span", { t: "offline_hint" })),
      h("button", { type: "button", class: "small", t: "retry", onclick: retry })) : null;
    if (this.banner) this.element.prepend(this.banner);
  }
}
