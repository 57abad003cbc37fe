/** Any sampling rate to 16 kHz int16, chunk after chunk without a seam: a windowed-sinc low-pass read at fractional places. */

const HALF = 12;                                        // input samples (at 16 kHz) on either side that shape one output sample

export class Resampler {
  /** @param {number} from Hz @param {number} [to] Hz */
  constructor(from, to = 16_000) {
    this.step = from / to;
    this.cut = Math.min(1, to / from) * 0.94;            // of the input's Nyquist frequency
    this.reach = Math.ceil(HALF * Math.max(1, this.step));
    this.held = new Float32Array(this.reach);            // input not yet used up, and what the filter still needs of it
    this.at = this.reach;                                // place in `held` of the next output sample
  }

  /** @param {Float32Array} samples @returns {Int16Array} */
  push(samples) {
    const all = new Float32Array(this.held.length + samples.length);
    all.set(this.held);
    all.set(samples, this.held.length);
    const count = Math.max(0, Math.floor((all.length - this.reach - 1 - this.at) / this.step) + 1), out = new Int16Array(count);
    for (let i = 0; i < count; i++) {
      const value = this.step === 1 ? all[this.at] : this.sample(all, this.at);
      out[i] = Math.max(-32768, Math.min(32767, Math.round(value * 32767)));
      this.at += this.step;
    }
    const used = Math.max(0, Math.floor(this.at) - this.reach);
    this.held = all.slice(used);
    this.at -= used;
    return out;
  }

  /** @param {Float32Array} all @param {number} place */
  sample(all, place) {
    const middle = Math.floor(place);
    let sum = 0, weight = 0;
    for (let i = middle - this.reach + 1; i <= middle + this.reach; i++) {
      const x = place - i, u = x / this.reach;
      if (u <= -1 || u >= 1) continue;
      const angle = Math.PI * this.cut * x, w = (angle ? Math.sin(angle) / angle : 1) * (0.5 + 0.5 * Math.cos(Math.PI * u));
      sum += (all[i] ?? 0) * w;
      weight += w;
    }
    return sum / weight;
  }
}
