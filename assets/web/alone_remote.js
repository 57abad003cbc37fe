/** The server a page may ask for what it has no answer to, over the live channel of the page it came from. Connected at the first question. */
import { tabId, token } from "./keep.js";
import { Live } from "./live.js";

const PATIENCE = 12_000;                                // ms until a first word

export class Remote {
  /** @param {{url: string, twin: string, language(): string, codecs: string[]}} about
   * @param {{thought(message: any): void, token(message: any): void, spoken(message: any, payload: Uint8Array): void, ended(message: any): void, failed(turn: number): void}} to
   * each told with the page's own number of the turn */
  constructor(about, to) {
    this.turn = 0;                                      // the page's, of the question that is out
    this.theirs = 0;                                    // the server's number of it
    this.newest = 0;
    this.text = "";
    this.to = to;
    this.live = new Live({ base: about.url, transport: "socket",
      hello: () => ({ type: "hello", token: token(), page: tabId(), lang: about.language(), codecs: about.codecs, greet: false, twin: about.twin }) });
    const own = (/** @type {string} */ type, /** @type {(message: any, payload: Uint8Array) => void} */ run) => this.live.on(type, (message, payload) => {
      this.newest = Math.max(this.newest, message.turn ?? 0);
      if (!this.turn || message.turn < this.theirs) return;
      this.theirs = message.turn;
      if (type !== "ended") clearTimeout(this.timer);
      run({ ...message, turn: this.turn }, payload);
    });
    own("thought", (message) => to.thought(message));
    own("token", (message) => to.token(message));
    own("spoken", (message, payload) => to.spoken(message, payload));
    own("ended", (message) => { const { reason } = message; if (reason === "failed") this.fail(); else to.ended(message); });
    this.live.on("ready", () => { if (this.text) this.put(); });
    this.live.on("offline", () => this.fail());
    this.live.on("error", () => this.fail());
  }

  /** @param {number} turn the page's @param {string} text */
  ask(turn, text) {
    Object.assign(this, { turn, text, theirs: this.newest + 1 });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fail(), PATIENCE);
    if (this.live.state === "open") this.put(); else this.live.open();
  }

  put() {
    this.live.send({ type: "say", text: this.text });
    this.text = "";
  }

  /** @param {number} turn @param {number} at s heard */
  heard(turn, at) { if (turn === this.turn) this.live.send({ type: "heard", turn: this.theirs, at }); }

  /** @param {number} at s heard */
  stop(at) {
    clearTimeout(this.timer);
    if (this.turn) this.live.send({ type: "stop", turn: this.theirs, at });
    this.turn = 0;
    this.text = "";
  }

  fail() {
    clearTimeout(this.timer);
    const turn = this.turn;
    this.turn = 0;
    this.text = "";
    if (turn) this.to.failed(turn);
  }
}
