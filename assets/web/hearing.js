/** From a held key or a switched-on microphone to an utterance on its way: the server's ears, or the browser's where the user chose so. */
import { h } from "./dom.js";
import { recall, remember } from "./keep.js";
import { Mic, MicError } from "./mic.js";
import { Recogniser } from "./recogniser.js";
import { getLanguage } from "./words.js";

export class Hearing {
  /**
   * @param {Mic} mic @param {import("./live.js").Live} live
   * @param {{mode(mode: "off" | "push" | "free"): void, trouble(key: string): void, partial(text: string): void, said(text: string): void, cutIn(): void}} to
   */
  constructor(mic, live, to) {
    Object.assign(this, { mic, live, to });
    this.can = { en: true, zh: false };
    this.mode = "off";
    /** @type {Recogniser | null} */ this.native = null;
    mic.onchunk = (bytes) => live.sendBytes(bytes);
    mic.onopen = () => { this.told = live.send({ type: "mic", on: true, mode: this.mode }); };
    this.ask = h("dialog", { class: "sheet small-sheet", "aria-labelledby": "twin-hear" });
  }

  /** @param {"push" | "free"} mode */
  async start(mode) {
    if (this.mode !== "off") await this.stop();
    if (!this.can[getLanguage()]) { this.other(mode); return; }
    this.set(mode);
    if (mode === "push") this.to.cutIn();
    try {
      await this.mic.start(mode);
    } catch (error) {
      if (!(error instanceof MicError)) throw error;
      this.set("off");
      this.to.trouble(error.key);
    }
  }

  stop() {
    if (this.mode === "off") return;
    this.native?.stop();
    this.native = null;
    this.mic.stop();
    if (this.told) this.live.send({ type: "mic", on: false });
    this.told = false;
    this.set("off");
  }

  /** @param {"off" | "push" | "free"} mode */
  set(mode) { this.mode = mode; this.to.mode(mode); }

  /** After a reconnection the server has to be told again. */
  renew() { if (this.told) this.live.send({ type: "mic", on: true, mode: this.mode }); }

  /** The server has no ears for this language. @param {"push" | "free"} mode */
  other(mode) {
    if (Recogniser.there && recall("native", false)) { this.listenHere(mode); return; }
    const answer = (/** @type {boolean} */ yes) => { this.ask.close(); if (yes) remember("native", true); };
    this.ask.replaceChildren(h("header", {}, h("h2", { id: "twin-hear", t: "hear_title" })),
      h("p", { t: "hear_none" }), h("p", { t: Recogniser.there ? "hear_browser" : "hear_no_browser" }),
      h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "type_instead", onclick: () => answer(false) }),
        Recogniser.there && h("button", { type: "button", class: "small strong", t: "use_browser", onclick: () => answer(true) })));
    if (!this.ask.open) this.ask.showModal();
  }

  /** @param {"push" | "free"} mode */
  listenHere(mode) {
    this.to.cutIn();
    this.set(mode);
    this.native = new Recogniser(getLanguage() === "zh" ? "zh-CN" : "en-US", { partial: (text) => this.to.partial(text),
      done: (text) => { this.native = null; if (this.mode !== "off") this.set("off"); this.to.said(text); },
      failed: (reason) => { this.set("off"); this.to.trouble(reason === "not-allowed" ? "mic_refused" : "native_failed"); } });
    this.native.start();
  }
}
