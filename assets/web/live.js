/**
 * The live channel: messages to and from the server, whichever way they travel. WebSocket first; where a socket cannot be opened,
 * Gradio's event stream (live_gradio.js). It reconnects by itself and tells what it does; it does not know what the messages mean.
 */
import { GradioLine } from "./live_gradio.js";

const PATIENCE = 4000;                                  // ms for a socket to open before the other way is tried
const ELSEWHERE = 4001, RESTED = 4005, LOGIN = 4010;    // close codes after which nothing is tried again by itself
const WAITS = [300, 700, 1500, 3000, 6000, 10000];      // ms between attempts

/** Binary envelope: u32 little-endian length of the JSON, the JSON, the payload.
 * @param {Uint8Array} bytes @returns {{message: any, payload: Uint8Array}} */
export function unpack(bytes) {
  const size = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0, true);
  return { message: JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size))), payload: bytes.subarray(4 + size) };
}

/** One WebSocket as a line: `send` text or bytes, `close`, and the three callbacks. */
class SocketLine {
  /** @param {string} url @param {{open(): void, frame(data: string | Uint8Array): void, lost(code?: number): void}} to */
  constructor(url, to) {
    this.socket = new WebSocket(url);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => to.open();
    this.socket.onmessage = ({ data }) => to.frame(typeof data === "string" ? data : new Uint8Array(data));
    this.socket.onclose = ({ code }) => to.lost(code);
  }

  /** @param {string | Uint8Array} data */
  send(data) { if (this.socket.readyState === WebSocket.OPEN) this.socket.send(data); }

  close() {
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.onopen = () => this.socket.close();     // closing one that is still connecting would be reported as an error
    if (this.socket.readyState === WebSocket.CONNECTING) return;
    this.socket.close();
  }
}

export class Live {
  /** @param {{hello: () => object, transport?: "gradio" | "socket" | "", base?: string}} options `hello` makes the first message of each connection;
   * `base` is the address of a server other than that of the page */
  constructor({ hello, transport = "", base = document.baseURI }) {
    this.base = base;
    this.hello = hello;
    /** @type {"socket" | "gradio"} */
    this.transport = transport === "gradio" ? "gradio" : "socket";
    this.fixed = transport !== "";
    /** @type {"closed" | "connecting" | "open" | "offline"} */
    this.state = "closed";
    this.attempt = 0;
    this.everOpen = false;
    this.seq = 0;                                       // of the last message handled; sent when reconnecting, so that nothing is lost
    /** @type {any} */
    this.line = null;
    this.timer = 0;
    /** @type {Map<string, ((message: any, payload: Uint8Array) => void)[]>} */
    this.listeners = new Map();
    addEventListener("online", () => { if (this.state === "offline") this.retry(); });
    addEventListener("pagehide", () => this.close());
    addEventListener("pageshow", (event) => { if (event.persisted) this.retry(); });
    setInterval(() => { if (this.state === "open") this.send({ type: "ping", t: Math.round(performance.now()) }); }, 20000);
  }

  /** Listen for a type of message, or for "online" and "offline". @param {string} type @param {(message: any, payload: Uint8Array) => void} run */
  on(type, run) {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), run]);
    return this;
  }

  /** @param {string} type @param {any} message @param {Uint8Array} [payload] */
  emit(type, message, payload = new Uint8Array()) { for (const run of this.listeners.get(type) ?? []) run(message, payload); }

  open() {
    this.close();
    this.state = "connecting";
    const to = { open: () => this.opened(), frame: (/** @type {any} */ data) => this.frame(data), 
      lost: (/** @type {number} */ code) => this.lost(code), seq: () => this.seq, hello: () => this.greeting() };
    if (this.transport === "gradio") this.line = new GradioLine(to);
    else {
      const url = new URL("live", this.base);
      url.protocol = url.protocol.replace("http", "ws");
      url.search = url.hash = "";
      this.line = new SocketLine(url.href, to);
    }
    this.timer = window.setTimeout(() => this.lost(), PATIENCE);
  }

  opened() {
    clearTimeout(this.timer);
    this.state = "open";
    this.everOpen = true;
    if (this.transport === "socket") this.line.send(JSON.stringify(this.greeting()));
    this.emit("online", {});
  }

  /** The first message of a connection; Gradio's line sends it itself. */
  greeting() { return { ...this.hello(), ...(this.seq ? { seq: this.seq } : {}) }; }

  /** @param {string | Uint8Array} data */
  frame(data) {
    const { message, payload } = typeof data === "string" ? { message: JSON.parse(data), payload: new Uint8Array() } : unpack(data);
    if (message.type === "ready") {
      this.attempt = 0;
      if (!message.resumed) this.seq = 0;               // a new session counts anew
    }
    if (message.seq && message.seq <= this.seq && message.type !== "ready") return;
    this.seq = Math.max(this.seq, message.seq ?? 0);
    this.emit(message.type, message, payload);
  }

  /** @param {number} [code] */
  lost(code) {
    const opened = this.everOpen;
    this.close();
    if (code === ELSEWHERE || code === RESTED || code === LOGIN) {
      this.state = "offline";
      this.emit(code === ELSEWHERE ? "elsewhere" : code === RESTED ? "rested" : "login", {});
      return;
    }
    if (!opened && !this.fixed) this.transport = this.transport === "socket" ? "gradio" : "socket";   // perhaps the other way is free
    const wait = opened || this.attempt > 1 || this.fixed ? WAITS[Math.min(this.attempt, WAITS.length - 1)] : 0;
    this.attempt++;
    this.state = this.attempt > 1 ? "offline" : "connecting";
    this.emit("offline", { attempt: this.attempt, wait });
    this.timer = window.setTimeout(() => this.open(), wait * (0.8 + 0.4 * Math.random()));
  }

  /** Now, not later. */
  retry() { this.open(); }

  close() {
    clearTimeout(this.timer);
    this.line?.close();
    this.line = null;
    this.state = "closed";
  }

  /** @param {object} message @returns {boolean} whether it could be sent */
  send(message) {
    if (this.state !== "open") return false;
    this.line.send(JSON.stringify(message));
    return true;
  }

  /** Sound of the microphone, as it is. @param {Uint8Array} bytes */
  sendBytes(bytes) { if (this.state === "open") this.line.send(bytes); }
}
