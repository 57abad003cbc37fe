/** A recording as it is: no gain, no noise suppression, no echo cancelling, for a voice is learnt from it. Gives a 16-bit mono WAV. */
import { Mic, MicError } from "./mic.js";

const CATCH = `registerProcessor("keep", class extends AudioWorkletProcessor {
  process(inputs) { if (inputs[0][0]) this.port.postMessage(inputs[0][0].slice()); return true; } });`;
const LONGEST = 60;                                     // s of one sentence

export class Recorder {
  constructor() {
    this.device = "";
    this.onlevel = (/** @type {number} */ _level) => {};
    this.onfull = () => {};
    /** @type {MediaStream | null} */ this.stream = null;
    /** @type {AudioContext | null} */ this.context = null;
    /** @type {Float32Array[]} */ this.chunks = [];
    this.on = false;
  }

  /** Throws MicError, whose `key` is of words.js. */
  async start() {
    if (Mic.trouble()) throw new MicError(Mic.trouble());
    try {
      this.stream ??= await navigator.mediaDevices.getUserMedia({ audio: { deviceId: this.device ? { ideal: this.device } : undefined, channelCount: 1,
        echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      throw new MicError({ NotAllowedError: "mic_refused", SecurityError: "mic_refused", NotFoundError: "mic_none", OverconstrainedError: "mic_none" }[error.name] ?? "mic_busy");
    }
    if (!this.context) await this.wire();
    if (this.context.state === "suspended") await this.context.resume();
    this.chunks = [];
    this.count = 0;
    this.on = true;
  }

  async wire() {
    const context = this.context = new AudioContext({ latencyHint: "interactive" }), source = context.createMediaStreamSource(this.stream);
    const take = (/** @type {Float32Array} */ samples) => this.take(samples), url = URL.createObjectURL(new Blob([CATCH], { type: "text/javascript" }));
    try {
      await context.audioWorklet.addModule(url);
      const node = new AudioWorkletNode(context, "keep", { numberOfOutputs: 0 });
      node.port.onmessage = ({ data }) => take(data);
      source.connect(node);
    } catch {                                            // no worklet, or a policy forbids blobs
      const node = context.createScriptProcessor(2048, 1, 1);
      node.onaudioprocess = ({ inputBuffer }) => take(inputBuffer.getChannelData(0).slice());
      source.connect(node).connect(context.destination);
    } finally { URL.revokeObjectURL(url); }
  }

  /** @param {Float32Array} samples */
  take(samples) {
    let sum = 0;
    for (const sample of samples) sum += sample * sample;
    this.level = Math.sqrt(sum / samples.length);
    this.onlevel(this.level);
    if (!this.on) return;
    this.chunks.push(samples);
    this.count += samples.length;
    if (this.count > LONGEST * this.context.sampleRate) this.onfull();
  }

  /** @returns {{blob: Blob, seconds: number, peak: number, loud: number}} `peak` 0..1 and `loud`, the RMS of its louder half */
  stop() {
    this.on = false;
    const rate = this.context?.sampleRate ?? 48000, samples = new Float32Array(this.count ?? 0);
    let at = 0;
    for (const chunk of this.chunks) { samples.set(chunk, at); at += chunk.length; }
    const levels = this.chunks.map((chunk) => Math.hypot(...chunk.filter((_, i) => i % 4 === 0)) / Math.sqrt(chunk.length / 4)).sort((a, b) => b - a);
    let peak = 0;
    for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
    this.chunks = [];
    return { blob: wav(samples, rate), seconds: samples.length / rate, peak, loud: levels[Math.floor(levels.length / 4)] ?? 0 };
  }

  /** Let go of the device, and of the browser's red light. */
  close() {
    this.on = false;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.context?.close();
    this.stream = this.context = null;
    this.onlevel(0);
  }
}

/** @param {Float32Array} samples @param {number} rate Hz */
export function wav(samples, rate) {
  const bytes = new ArrayBuffer(44 + 2 * samples.length), view = new DataView(bytes);
  const text = (/** @type {number} */ at, /** @type {string} */ letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF"); view.setUint32(4, 36 + 2 * samples.length, true); text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); view.setUint16(20, 1, true); view.setUint16(22, 1, true); view.setUint32(24, rate, true); view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); view.setUint16(34, 16, true); text(36, "data"); view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(samples[i] * 32767))), true);
  return new Blob([bytes], { type: "audio/wav" });
}
