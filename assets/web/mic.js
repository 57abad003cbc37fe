/**
 * The microphone: from the device to chunks of 16 kHz int16, and a quick guess whether somebody speaks (the server's VAD decides).
 * AudioWorklet where there is one, a ScriptProcessor elsewhere. It throws MicError, whose `key` names the sentence in words.js.
 */
import { Resampler } from "./resample.js";

const CHUNK = 800;                                      // samples = 50 ms: what a twin hears of a person who cuts in is never older
const LOUD = 3.2;                                       // times the noise floor: perhaps a voice
const QUIETEST = 0.006;                                 // RMS below which nothing counts
const CATCH = `registerProcessor("catch", class extends AudioWorkletProcessor {
  process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; } });`;

export class MicError extends Error {
  /** @param {string} key of words.js */
  constructor(key) { super(key); this.key = key; }
}

export class Mic {
  constructor() {
    this.device = "";
    /** @type {"off" | "push" | "free"} */
    this.mode = "off";
    /** @type {MediaStream | null} */ this.stream = null;
    /** @type {AudioContext | null} */ this.context = null;
    this.floor = 0.004;
    this.loudFor = 0;
    this.held = new Int16Array(0);
    this.wanted = 0;                                    // counts starts and stops, so that a late device finds out it is not wanted
    this.onopen = () => {};                             // the device is there; sound follows
    this.onchunk = (/** @type {Uint8Array} */ _bytes) => {};
    this.onlevel = (/** @type {number} */ _level, /** @type {boolean} */ _voice) => {};
  }

  /** Why there can be no microphone here, "" if there can. */
  static trouble() { return !window.isSecureContext ? "mic_insecure" : !navigator.mediaDevices?.getUserMedia ? "mic_none" : ""; }

  /** @param {"push" | "free"} mode @returns {Promise<boolean>} false: it was stopped before the device came */
  async start(mode) {
    if (Mic.trouble()) throw new MicError(Mic.trouble());
    const mine = ++this.wanted;
    this.mode = mode;
    if (this.stream) return true;
    const stream = await this.ask();
    if (mine !== this.wanted) { for (const track of stream.getTracks()) track.stop(); return false; }
    this.stream = stream;
    this.onopen();
    this.context = new AudioContext({ latencyHint: "interactive" });
    const source = this.context.createMediaStreamSource(stream), resampler = new Resampler(this.context.sampleRate);
    const take = (/** @type {Float32Array} */ samples) => this.take(samples, resampler);
    if (!this.context.audioWorklet || !await this.worklet(source, take)) this.script(source, take);
    if (this.context?.state === "suspended") await this.context.resume();
    return mine === this.wanted;
  }

  async ask() {
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: { deviceId: this.device ? { ideal: this.device } : undefined, channelCount: 1,
        echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
    } catch (error) {
      this.mode = "off";
      const key = { NotAllowedError: "mic_refused", SecurityError: "mic_refused", NotFoundError: "mic_none", OverconstrainedError: "mic_none" }[error.name];
      throw new MicError(key ?? "mic_busy");
    }
  }

  /** @param {AudioNode} source @param {(samples: Float32Array) => void} take @returns {Promise<boolean>} whether it took over */
  async worklet(source, take) {
    const context = this.context, url = URL.createObjectURL(new Blob([CATCH], { type: "text/javascript" }));
    try { await context.audioWorklet.addModule(url); }
    catch { return context.state === "closed"; }         // AbortError: stopped meanwhile, or a policy forbids blobs
    finally { URL.revokeObjectURL(url); }
    if (context.state === "closed") return true;
    const node = new AudioWorkletNode(context, "catch", { numberOfOutputs: 0 });
    node.port.onmessage = ({ data }) => take(data);
    source.connect(node);
    return true;
  }

  /** @param {AudioNode} source @param {(samples: Float32Array) => void} take */
  script(source, take) {
    if (!this.context) return;
    const node = this.context.createScriptProcessor(2048, 1, 1);
    node.onaudioprocess = ({ inputBuffer }) => take(inputBuffer.getChannelData(0).slice());
    source.connect(node).connect(this.context.destination);
  }

  /** @param {Float32Array} samples @param {Resampler} resampler */
  take(samples, resampler) {
    if (this.mode === "off") return;
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    const level = Math.sqrt(sum / samples.length), seconds = samples.length / this.context.sampleRate;
    const loud = level > Math.max(QUIETEST, this.floor * LOUD);
    this.floor += (level - this.floor) * (level < this.floor ? 0.1 : loud ? 0.0005 : 0.01);
    this.loudFor = loud ? this.loudFor + seconds : Math.max(0, this.loudFor - seconds * 2);
    this.onlevel(Math.min(1, level * 9), this.loudFor > 0.06);
    const fresh = resampler.push(samples), all = new Int16Array(this.held.length + fresh.length);
    all.set(this.held);
    all.set(fresh, this.held.length);
    let at = 0;
    for (; at + CHUNK <= all.length; at += CHUNK) this.onchunk(new Uint8Array(all.slice(at, at + CHUNK).buffer));
    this.held = all.slice(at);
  }

  /** The rest of an utterance goes out; the device is let go, and with it the browser's red light. */
  stop() {
    this.wanted++;
    if (this.mode !== "off" && this.held.length) this.onchunk(new Uint8Array(this.held.buffer));
    this.mode = "off";
    this.held = new Int16Array(0);
    this.loudFor = 0;
    this.onlevel(0, false);
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.context?.close();
    this.context = null;
  }
}

/** The devices of a kind, as far as the browser names them. @param {"audioinput" | "audiooutput"} kind */
export async function devices(kind) {
  const all = await navigator.mediaDevices?.enumerateDevices?.() ?? [];
  return all.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default" && device.label)
    .map((device) => ({ id: device.deviceId, name: device.label }));
}
