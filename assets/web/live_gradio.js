/** Gradio's own event stream as a line (see live.js): where a WebSocket cannot go. Numbered lists up, a server-sent stream down. */
import { asking } from "./api.js";

const HEADERS = { "Content-Type": "application/json" };
/** Why the server ended it, as the close code that a socket would have had (live.js). @type {Record<string, number>} */
const CLOSED = { elsewhere: 4001, rested: 4005, login: 4010 };
const QUIET = 10_000;                                   // ms without even an empty list: the stream is dead
const ACK = 2_000;                                      // ms at most between acknowledgements while something arrives

/** On ZeroGPU the time on the GPU is the visitor's own: the frame around a Space says whose, in headers that it hands out. @returns {Promise<Record<string, string>>} */
function visitor() {
  if (!window.supports_zerogpu_headers || window.parent === window || !location.hostname.endsWith(".hf.space")) return Promise.resolve({});
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel(), late = setTimeout(() => resolve({}), 1000);
    port1.onmessage = ({ data }) => { clearTimeout(late); port1.close(); resolve(data ?? {}); };
    window.parent.postMessage("zerogpu-headers", "https://huggingface.co", [port2]);
  });
}

/** @param {string} name of the endpoint @param {object} value */
async function post(name, value, kind = "run") {
  const response = await fetch(new URL(`gradio_api/${kind}/${name}`, document.baseURI), {
    method: "POST", headers: { ...HEADERS, ...asking(), ...await visitor() }, credentials: "same-origin", body: JSON.stringify({ data: [JSON.stringify(value)] }) });
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return response.json();
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

export class GradioLine {
  /** @param {{open(): void, frame(data: string | Uint8Array): void, lost(): void, seq(): number, hello(): object}} to */
  constructor(to) {
    this.to = to;
    this.session = "";
    this.sent = 0;
    this.acked = 0;
    this.ended = false;
    /** @type {(object | string)[]} */
    this.waiting = [];
    this.sending = false;
    this.stop = new AbortController();
    this.begin(this.to.hello());
  }

  /** @param {string | Uint8Array} data */
  send(data) {
    const message = typeof data === "string" ? JSON.parse(data) : toBase64(data);
    this.waiting.push(message);
    this.flush();
  }

  /** @param {object} hello */
  async begin(hello) {
    try {
      const answer = JSON.parse((await post("live_open", hello)).data[0]);
      if (this.ended) return;
      if (answer.error) { this.told(answer.error); throw new Error(answer.error.message); }
      this.session = answer.session;
      this.to.open();
      this.flush();
      this.timer = setInterval(() => { if (this.to.seq() > this.acked && !this.sending) this.flush(true); }, ACK);
      while (!this.ended) await this.events();
    } catch (error) {
      if (!this.ended) console.info("the event stream ended:", error.message);
      this.lose();
    }
  }

  /** One stream of events, until the server or the network ends it. */
  async events() {
    const { event_id } = await post("live_events", { session: this.session, ack: this.to.seq() }, "call");
    const quiet = new AbortController(), both = AbortSignal.any ? AbortSignal.any([quiet.signal, this.stop.signal]) : this.stop.signal;
    let alarm = setTimeout(() => quiet.abort(), QUIET), held = "";
    try {
      const response = await fetch(new URL("gradio_api/call/live_events/" + event_id, document.baseURI),
        { headers: { Accept: "text/event-stream", ...asking() }, credentials: "same-origin", signal: both });
      if (!response.ok || !response.body) throw new Error(`live_events: ${response.status}`);
      const reader = response.body.getReader(), decoder = new TextDecoder();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        clearTimeout(alarm);
        alarm = setTimeout(() => quiet.abort(), QUIET);
        const parts = (held + decoder.decode(value, { stream: true })).split("\n\n");
        held = parts.pop() ?? "";
        for (const part of parts) if (!this.event(part)) return;
      }
    } catch (error) {
      if (!quiet.signal.aborted) throw error;           // a quiet stream is opened again, a broken one is lost
    } finally {
      clearTimeout(alarm);
    }
  }

  /** @param {string} text one server-sent event @returns {boolean} whether more may come */
  event(text) {
    const kind = /^event: (.*)$/m.exec(text)?.[1], data = /^data: (.*)$/m.exec(text)?.[1];
    if (kind !== "generating" && kind !== "complete") return kind !== "error";
    const list = data && data !== "null" ? JSON.parse(data)?.[0] : null;
    for (const message of list ? JSON.parse(list) : []) {
      if (message?.code === "gone") throw new Error("the session is gone");
      if (typeof message === "string") this.to.frame(fromBase64(message)); else this.told(message);
    }
    return kind !== "complete";
  }

  /** @param {any} message */
  told(message) {
    this.to.frame(JSON.stringify(message));
    if (message.type === "error" && CLOSED[message.code]) this.lose(CLOSED[message.code]);
  }

  /** Send what waits, one list at a time; a list whose fate is unknown goes again under its number. @param {boolean} [empty] */
  async flush(empty = false) {
    if (this.sending || !this.session || this.ended || (!this.waiting.length && !empty)) return;
    this.sending = true;
    const messages = this.waiting.splice(0), n = ++this.sent;
    for (let tries = 0; !this.ended; tries++) {
      try {
        const ack = this.to.seq(), answer = JSON.parse((await post("live_send", { session: this.session, n, ack, messages })).data[0]);
        this.acked = Math.max(this.acked, ack);
        if (answer.error?.code === "gone") this.lose();
        else if (answer.error) this.told(answer.error);
        break;
      } catch {                                         // TypeError of fetch, or a proxy's error page
        if (tries > 3) { this.lose(); break; }
        await new Promise((resolve) => { setTimeout(resolve, 300 * 2 ** tries); });
      }
    }
    this.sending = false;
    if (this.waiting.length) this.flush();
  }

  /** @param {number} [code] */
  lose(code) {
    if (this.ended) return;
    this.close();
    this.to.lost(code);
  }

  close() {
    this.ended = true;
    clearInterval(this.timer);
    this.stop.abort();
  }
}
