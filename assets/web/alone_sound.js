/**
 * Sound of a page that has no server: an answer's Opus packets are put into a container that the browser opens as a file, decoded as a whole and cut
 * where its clauses part. It stands in for sound.js: no worker, and browsers without WebCodecs play it too.
 */
const CLOCK = 48_000, STEP = 960;                       // Hz; samples of a packet of 20 ms
const SKIP = 312;                                       // samples an Opus decoder delivers late
const SEGMENTS = 255;                                   // of one page of Ogg

/** What can be played of what a server sends. */
export const CODECS = ["pcm16"];

export class Decoder {
  /**
   * @param {number} _turn @param {{codec: string, rate: number, whole?: Promise<AudioBuffer>, from?: number}} audio "cut": `whole` from `from` s on
   * @param {Uint8Array} bytes @param {number} seconds @returns {Promise<AudioBuffer>}
   */
  async decode(_turn, audio, bytes, seconds) {
    if (audio.codec === "pcm16") return pcm(bytes, audio.rate);
    const whole = /** @type {AudioBuffer} */ (await audio.whole), from = Math.round((audio.from ?? 0) * whole.sampleRate);
    const length = Math.max(1, Math.round(seconds * whole.sampleRate)), buffer = new AudioBuffer({ length, numberOfChannels: 1, sampleRate: whole.sampleRate });
    buffer.copyToChannel(whole.getChannelData(0).subarray(from, from + length), 0);
    return buffer;
  }

  drop() {}
}

/** @param {Uint8Array} bytes little-endian int16 @param {number} rate Hz */
function pcm(bytes, rate) {
  const count = bytes.length >> 1, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length), samples = new Float32Array(Math.max(1, count));
  for (let i = 0; i < count; i++) samples[i] = view.getInt16(i * 2, true) / 32768;
  const buffer = new AudioBuffer({ length: samples.length, numberOfChannels: 1, sampleRate: rate });
  buffer.copyToChannel(samples, 0);
  return buffer;
}

/** An answer's packets as sound: in Ogg, or in Apple's container where a browser knows no Ogg. @param {number[]} sizes @param {Uint8Array} opus */
export async function decodeWhole(sizes, opus) {
  const context = new OfflineAudioContext(1, 1, CLOCK);
  try { return await context.decodeAudioData(ogg(sizes, opus).buffer); } catch { return context.decodeAudioData(caf(sizes, opus).buffer); }
}

const CRC = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** Opus in Ogg (RFC 3533, RFC 7845). @param {number[]} sizes of the packets @param {Uint8Array} opus the packets */
export function ogg(sizes, opus) {
  /** @type {Uint8Array[]} */
  const pages = [];
  const page = (/** @type {number} */ kind, /** @type {number} */ at, /** @type {number[]} */ lacing, /** @type {Uint8Array} */ body) => {
    const head = new Uint8Array(27 + lacing.length + body.length), view = new DataView(head.buffer);
    head.set([0x4f, 0x67, 0x67, 0x53, 0, kind]);        // OggS
    view.setUint32(6, at, true);
    view.setUint32(14, 1, true);                        // the stream's number
    view.setUint32(18, pages.length, true);
    head[26] = lacing.length;
    head.set(lacing, 27);
    head.set(body, 27 + lacing.length);
    let sum = 0;
    for (const byte of head) sum = ((sum << 8) ^ CRC[((sum >>> 24) ^ byte) & 255]) >>> 0;
    view.setUint32(22, sum, true);
    pages.push(head);
  };
  const first = new Uint8Array(19), tags = new Uint8Array(20), view = new DataView(first.buffer);
  first.set([...new TextEncoder().encode("OpusHead"), 1, 1]);
  view.setUint16(10, SKIP, true);
  view.setUint32(12, CLOCK / 2, true);
  tags.set([...new TextEncoder().encode("OpusTags"), 4, 0, 0, 0, ...new TextEncoder().encode("Twin")]);
  page(2, 0, [first.length], first);
  page(0, 0, [tags.length], tags);
  let lacing = [], from = 0, to = 0;
  sizes.forEach((size, i) => {
    const own = [...new Array(Math.floor(size / 255)).fill(255), size % 255];
    lacing.push(...own);
    to += size;
    const last = i === sizes.length - 1, next = last ? 0 : Math.floor(sizes[i + 1] / 255) + 1;
    if (!last && lacing.length + next <= SEGMENTS) return;
    page(last ? 4 : 0, (i + 1) * STEP, lacing, opus.subarray(from, to));
    lacing = [];
    from = to;
  });
  return joined(pages);
}

/** Opus in Apple's Core Audio Format. @param {number[]} sizes @param {Uint8Array} opus */
export function caf(sizes, opus) {
  const text = (/** @type {string} */ name) => new TextEncoder().encode(name);
  const chunk = (/** @type {string} */ name, /** @type {Uint8Array} */ body) => {
    const head = new Uint8Array(12), view = new DataView(head.buffer);
    head.set(text(name));
    view.setBigInt64(4, BigInt(body.length));
    return joined([head, body]);
  };
  const about = new Uint8Array(32), view = new DataView(about.buffer), table = new Uint8Array(24), numbers = new DataView(table.buffer);
  view.setFloat64(0, CLOCK);
  about.set(text("opus"), 8);
  view.setUint32(20, STEP);                             // bytes of a packet vary, its frames do not
  view.setUint32(24, 1);
  numbers.setBigInt64(0, BigInt(sizes.length));
  numbers.setBigInt64(8, BigInt(sizes.length * STEP - SKIP));
  numbers.setInt32(16, SKIP);
  const lengths = sizes.flatMap((size) => (size < 128 ? [size] : [0x80 | (size >> 7), size & 127]));
  return joined([text("caff"), Uint8Array.of(0, 1, 0, 0), chunk("desc", about), chunk("pakt", joined([table, Uint8Array.from(lengths)])),
    chunk("data", joined([new Uint8Array(4), opus]))]);
}

/** @param {Uint8Array[]} parts */
function joined(parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { out.set(part, at); at += part.length; }
  return out;
}
