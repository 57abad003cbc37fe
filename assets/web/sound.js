/** From the bytes of one piece to an AudioBuffer: Opus by WebCodecs (in the worker opus.js), 16-bit PCM by hand. */

const CLOCK = 48_000;                                   // Hz: Opus' own clock

/** What this browser can play, best first. @returns {Promise<string[]>} */
export async function codecs() {
  if (typeof AudioDecoder === "undefined" || typeof Worker === "undefined") return ["pcm16"];
  try {
    const { supported } = await AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: CLOCK, numberOfChannels: 1 });
    return supported ? ["opus", "pcm16"] : ["pcm16"];
  } catch { return ["pcm16"]; }                          // TypeError: it does not know the question
}

/** @param {Uint8Array} bytes little-endian int16 @param {number} rate Hz */
function pcm(bytes, rate) {
  const count = bytes.length >> 1, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const samples = new Float32Array(Math.max(1, count));
  for (let i = 0; i < count; i++) samples[i] = view.getInt16(i * 2, true) / 32768;
  return buffered(samples, rate);
}

/** @param {Float32Array} samples @param {number} rate Hz */
function buffered(samples, rate) {
  const buffer = new AudioBuffer({ length: samples.length, numberOfChannels: 1, sampleRate: rate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}

export class Decoder {
  constructor() {
    this.count = 0;
    /** @type {Map<number, {give(samples: Float32Array): void, fail(error: Error): void}>} */
    this.waiting = new Map();
    /** @type {Worker | null} */
    this.worker = null;
  }

  /**
   * @param {number} turn @param {{codec: string, rate: number, sizes: number[]}} audio @param {Uint8Array} bytes @param {number} seconds
   * @returns {Promise<AudioBuffer>} rejected for damaged sound and for a turn that was dropped
   */
  async decode(turn, audio, bytes, seconds) {
    if (audio.codec !== "opus") return pcm(bytes, audio.rate);
    const id = ++this.count, length = Math.max(1, Math.round(seconds * CLOCK)), copy = bytes.slice();
    const samples = await new Promise((give, fail) => {
      this.waiting.set(id, { give, fail });
      this.start().postMessage({ turn, id, sizes: audio.sizes, bytes: copy, length }, [copy.buffer]);
    });
    return buffered(samples, CLOCK);
  }

  start() {
    if (this.worker) return this.worker;
    this.worker = new Worker(new URL("./opus.js", import.meta.url));
    this.worker.onmessage = ({ data }) => {
      const waiting = this.waiting.get(data.id);
      this.waiting.delete(data.id);
      if (data.error) waiting?.fail(new Error("opus: " + data.error)); else waiting?.give(data.samples);
    };
    this.worker.onerror = (event) => {
      for (const { fail } of this.waiting.values()) fail(new Error("opus: " + event.message));
      this.waiting.clear();
    };
    return this.worker;
  }

  /** What is still to be decoded of a turn is not wanted any more. @param {number} turn */
  drop(turn) { this.worker?.postMessage({ turn, close: true }); }
}
