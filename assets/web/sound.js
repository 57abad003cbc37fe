/** From the bytes of one piece to an AudioBuffer: Opus by WebCodecs, 16-bit PCM by hand. One Decoder per turn. */

const CLOCK = 48_000;                                   // Hz: Opus' own clock
const PACKET = 20_000;                                  // µs
const PATIENCE = 250;                                   // ms to wait for the last packet before asking the decoder for what it has

/** What this browser can play, best first. @returns {Promise<string[]>} */
export async function codecs() {
  if (typeof AudioDecoder === "undefined") return ["pcm16"];
  try {
    const { supported } = await AudioDecoder.isConfigSupported({ codec: "opus", sampleRate: CLOCK, numberOfChannels: 1 });
    return supported ? ["opus", "pcm16"] : ["pcm16"];
  } catch { return ["pcm16"]; }                          // TypeError: it does not know the question
}

/** @param {Uint8Array} bytes little-endian int16 @param {number} rate Hz */
function pcm(bytes, rate) {
  const count = bytes.length >> 1, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const buffer = new AudioBuffer({ length: Math.max(1, count), numberOfChannels: 1, sampleRate: rate });
  const samples = buffer.getChannelData(0);
  for (let i = 0; i < count; i++) samples[i] = view.getInt16(i * 2, true) / 32768;
  return buffer;
}

export class Decoder {
  constructor() {
    /** @type {AudioDecoder | null} */
    this.opus = null;
    this.packets = 0;                                    // fed so far
    /** @type {Map<number, Float32Array>} decoded packets by their number */
    this.ready = new Map();
    /** @type {(() => void) | null} */
    this.arrived = null;
    this.failed = "";
  }

  /**
   * @param {{codec: string, rate: number, sizes?: number[]}} audio @param {Uint8Array} bytes @param {number} seconds
   * @returns {Promise<AudioBuffer>}
   */
  async decode(audio, bytes, seconds) {
    if (audio.codec !== "opus") return pcm(bytes, audio.rate);
    const first = this.packets, sizes = audio.sizes ?? [];
    this.start();
    let at = 0;
    for (const size of sizes) {
      this.opus?.decode(new EncodedAudioChunk({ type: "key", timestamp: this.packets++ * PACKET, data: bytes.subarray(at, at + size) }));
      at += size;
    }
    await this.wait(first, sizes.length);
    const length = Math.max(1, Math.round(seconds * CLOCK));
    const buffer = new AudioBuffer({ length, numberOfChannels: 1, sampleRate: CLOCK }), samples = buffer.getChannelData(0);
    for (let i = 0; i < sizes.length; i++) {
      const packet = this.ready.get(first + i), offset = i * (CLOCK / 50);
      if (packet && offset < length) samples.set(packet.subarray(0, length - offset), offset);
      this.ready.delete(first + i);
    }
    return buffer;
  }

  start() {
    if (this.opus) return;
    this.opus = new AudioDecoder({
      output: (data) => {
        const samples = new Float32Array(data.numberOfFrames);
        data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        this.ready.set(Math.round(data.timestamp / PACKET), samples);
        data.close();
        this.arrived?.();
      },
      error: (error) => { this.failed = error.message; this.arrived?.(); },
    });
    this.opus.configure({ codec: "opus", sampleRate: CLOCK, numberOfChannels: 1 });
  }

  /** Until all packets of a piece are there. @param {number} first @param {number} count */
  async wait(first, count) {
    const last = first + count - 1;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      if (this.opus?.state === "configured") this.opus.flush().then(() => this.arrived?.(), () => this.arrived?.());
    }, PATIENCE);
    const limit = performance.now() + 4 * PATIENCE;
    while (!this.failed && !this.ready.has(last) && performance.now() < limit) {
      await new Promise((resolve) => { this.arrived = () => resolve(null); setTimeout(resolve, late ? 20 : PATIENCE); });
    }
    clearTimeout(timer);
    if (this.failed) throw new Error("opus: " + this.failed);
  }

  close() {
    if (this.opus && this.opus.state !== "closed") this.opus.close();
    this.opus = null;
  }
}
