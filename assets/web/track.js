/** The motion of one piece: bytes on the wire to weights at an instant. */
import { inflate } from "./inflate.js";

export class Track {
  /** @param {Uint8Array} rows [frames, names] @param {number} frames @param {number} names @param {number} first number of its first
   * frame in the turn @param {number} fps */
  constructor(rows, frames, names, first, fps) {
    Object.assign(this, { rows, frames, names, first, fps });
  }

  /** Undo raw deflate, the deltas along time and the transposition.
   * @param {Uint8Array} bytes @param {number} frames @param {number} names @param {number} at s @param {number} fps */
  static async open(bytes, frames, names, at, fps) {
    const deltas = await inflate(bytes), rows = new Uint8Array(frames * names);
    for (let name = 0; name < names; name++) {
      let value = 0;
      for (let frame = 0; frame < frames; frame++) {
        value = (value + deltas[name * frames + frame]) & 255;
        rows[frame * names + name] = value;
      }
    }
    return new Track(rows, frames, names, Math.round(at * fps), fps);
  }

  /** Weights at `time` (s in the turn), between frames in a straight line. @param {number} time @param {Float32Array} out
   * @param {number} signed number of the first signed channel @param {number} full rad at byte 255 of those */
  at(time, out, signed, full) {
    const place = Math.min(Math.max(time * this.fps - this.first, 0), this.frames - 1);
    const low = Math.floor(place), part = place - low, high = Math.min(low + 1, this.frames - 1);
    for (let name = 0; name < this.names; name++) {
      const value = this.rows[low * this.names + name] * (1 - part) + this.rows[high * this.names + name] * part;
      out[name] = name < signed ? value / 255 : ((value - 128) / 127) * full;
    }
  }
}
