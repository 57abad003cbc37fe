/**
 * What a face does when nobody has told it what to do: it blinks, breathes through its head, looks about, listens, thinks, wakes.
 * Every value is a smooth function of time and a seed, so two runs are alike at any frame rate.
 */

const LIVE = Math.PI * 2;

export class Idle {
  /**
   * @param {string[]} channels the 57 names, in order
   * @param {{seed?: number, still?: boolean}} [options] still: only slow blinks (what `prefers-reduced-motion` asks for; read from the browser if left out)
   */
  constructor(channels, { seed = 1, still } = {}) {
    this.at = Object.fromEntries(channels.map((name, k) => [name, k]));
    this.seed = seed;
    this.still = still ?? globalThis.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? false;
    this.blinks = new Events(seed, this.still ? 5.5 : 2.0, this.still ? 9 : 6.2);       // s from one to the next: 10 to 20 a minute
    this.glances = new Events(seed + 1, 0.7, 2.9);
    this.nods = new Events(seed + 2, 2.2, 5.2);
    this.interest = new Events(seed + 3, 3.0, 7.0);                                    // when the pointer is worth a look
    this.mix = { idle: 1, listening: 0, thinking: 0, speaking: 0, waking: 0 };
    this.pointer = [0, 0, 0];                                                          // x, y, how much it is followed
    this.last = null;
    this.eyes = [0, 0];
    this.nodded = -10;                                                                 // when it was asked to nod
  }

  /** A nod now, with a glance at who speaks. @param {number} t s, the clock of pose() */
  nod(t) { if (t - this.nodded > 2) this.nodded = t; }

  /**
   * @param {number} t s, any steady clock
   * @param {"idle"|"listening"|"thinking"|"speaking"|"waking"} state
   * @param {{x: number, y: number} | null} pointer -1..1 from the middle of the picture, y down
   * @param {Float32Array} out 57 weights, all overwritten
   */
  pose(t, state, pointer, out) {
    out.fill(0);
    const dt = this.last === null ? 10 : Math.max(0, Math.min(0.25, t - this.last));
    this.last = t;
    for (const name in this.mix) {
      const slow = name === "waking" || state === "waking" ? 0.55 : 0.28;
      this.mix[name] += ((name === state ? 1 : 0) - this.mix[name]) * (1 - Math.exp(-dt / slow));
    }
    this.#blink(t, out);
    if (!this.still) {
      this.#sway(t, out);
      this.#look(t, dt, pointer, out);
      this.#listen(t, out);
      this.#think(t, out);
    }
    this.#wake(t, out);
    for (const name of ["eyeBlinkLeft", "eyeBlinkRight"]) out[this.at[name]] = Math.min(1, out[this.at[name]]);
  }

  #add(out, name, value) {
    out[this.at[name]] += value;
  }

  #both(out, name, value) {
    this.#add(out, name + "Left", value);
    this.#add(out, name + "Right", value);
  }

  /** Shut in 70 ms, open again in 150; every seventh is a double; now and then a lid stays half open. */
  #blink(t, out) {
    const pace = this.still ? 1.6 : 1;
    let shut = 0;
    for (const k of this.blinks.near(t)) {
      const since = t - this.blinks.time(k), size = hash(this.seed, k, 5) < 0.08 ? 0.6 : 1;
      shut = Math.max(shut, size * blinkAt(since / pace));
      if (!this.still && hash(this.seed, k, 6) < 0.14) shut = Math.max(shut, blinkAt(since - 0.29));
    }
    this.#both(out, "eyeBlink", shut);
    this.#both(out, "eyeSquint", 0.10 * shut);
    this.#both(out, "browDown", 0.04 * shut);
  }

  #sway(t, out) {
    const s = this.seed * 7.3, calm = 1 - 0.5 * this.mix.listening;
    this.#add(out, "headYaw", calm * (0.030 * drift(t * 0.11, s) + 0.012 * drift(t * 0.31, s + 1)));
    this.#add(out, "headPitch", calm * (0.016 * drift(t * 0.13, s + 2)) + 0.006 * Math.sin(LIVE * t / 4.3));
    this.#add(out, "headRoll", calm * 0.018 * drift(t * 0.09, s + 3));
    const warm = 0.05 + 0.04 * drift(t * 0.07, s + 4);
    this.#add(out, "mouthSmileLeft", warm + 0.012 * drift(t * 0.17, s + 5));
    this.#add(out, "mouthSmileRight", warm);
    this.#add(out, "browInnerUp", Math.max(0, 0.07 * drift(t * 0.15, s + 6)));
  }

  /** Small saccades about what is looked at: the user, or for a while the pointer. */
  #look(t, dt, pointer, out) {
    const m = this.mix, free = m.idle + 0.35 * m.listening + 0.5 * m.speaking;
    const k = this.glances.index(t), since = t - this.glances.time(k), ease = smooth(since / 0.045);
    const spot = (i) => {
      const far = hash(this.seed, i, 11) < 0.16 ? 3.2 : 1;                // now and then a real look aside
      return [0.035 * far * (2 * hash(this.seed, i, 9) - 1), 0.020 * far * (2 * hash(this.seed, i, 10) - 1)];
    };
    const [x0, y0] = spot(k - 1), [x1, y1] = spot(k);
    let x = free * (x0 + (x1 - x0) * ease), y = free * (y0 + (y1 - y0) * ease);
    const i = this.interest.index(t), keen = pointer && hash(this.seed, i, 13) < 0.62 ? 0.75 * m.idle + 0.25 * m.listening : 0;
    const p = this.pointer, follow = 1 - Math.exp(-dt / 0.12);
    p[2] += (keen - p[2]) * (1 - Math.exp(-dt / 0.35));
    if (pointer) {
      p[0] += (Math.max(-1, Math.min(1, pointer.x)) - p[0]) * follow;
      p[1] += (Math.max(-1, Math.min(1, pointer.y)) - p[1]) * follow;
    }
    this.#add(out, "gazeX", x + p[2] * 0.30 * p[0]);
    this.#add(out, "gazeY", y - p[2] * 0.20 * p[1]);
    this.#add(out, "headYaw", p[2] * 0.07 * p[0]);
    this.#add(out, "headPitch", -p[2] * 0.04 * p[1]);
  }

  #listen(t, out) {
    const m = this.mix.listening;
    if (m < 0.002) return;
    let nod = 0;
    for (const k of this.nods.near(t)) {
      const since = t - this.nods.time(k), count = hash(this.seed, k, 21) < 0.4 ? 2 : 1;
      const span = 0.62 * count;
      if (since > 0 && since < span) nod += (0.5 - 0.5 * Math.cos(LIVE * since / 0.62)) * (1 - 0.4 * since / span) * (0.7 + 0.5 * hash(this.seed, k, 22));
    }
    const since = t - this.nodded;
    if (since > 0 && since < 0.9) nod = Math.max(nod, (1.3 - 0.5 * since) * (0.5 - 0.5 * Math.cos(LIVE * since / 0.45)));
    this.#add(out, "headPitch", m * (-0.055 * nod + 0.008));
    this.#add(out, "headRoll", m * (0.045 + 0.02 * drift(t * 0.12, this.seed + 40)));
    this.#add(out, "browInnerUp", m * (0.20 + 0.10 * drift(t * 0.2, this.seed + 41)));
    this.#both(out, "browOuterUp", m * 0.10);
    this.#both(out, "eyeWide", m * 0.10);
    this.#both(out, "mouthSmile", m * 0.06);
  }

  #think(t, out) {
    const m = this.mix.thinking;
    if (m < 0.002) return;
    const side = hash(this.seed, Math.floor(t / 47), 31) < 0.5 ? -1 : 1, s = this.seed + 50;
    this.#add(out, "gazeX", m * side * (0.24 + 0.05 * drift(t * 0.5, s)));
    this.#add(out, "gazeY", m * (0.20 + 0.05 * drift(t * 0.4, s + 1)));
    this.#add(out, "headYaw", m * side * 0.07);
    this.#add(out, "headPitch", m * 0.035);
    this.#add(out, "headRoll", m * side * -0.035);
    this.#both(out, "eyeSquint", m * 0.22);
    this.#both(out, "browDown", m * 0.12);
    this.#add(out, side > 0 ? "browOuterUpLeft" : "browOuterUpRight", m * 0.18);
    this.#both(out, "mouthPress", m * (0.18 + 0.08 * drift(t * 0.3, s + 2)));
    this.#add(out, side > 0 ? "mouthLeft" : "mouthRight", m * 0.12);
  }

  /** Asleep: lids down, head a little low; they open as `waking` fades. */
  #wake(t, out) {
    const m = this.mix.waking;
    if (m < 0.002) return;
    const lids = smooth(m / 0.8);
    for (const name of ["eyeBlinkLeft", "eyeBlinkRight"]) out[this.at[name]] = Math.max(out[this.at[name]], lids);
    this.#both(out, "browDown", 0.05 * lids);
    if (!this.still) {
      this.#add(out, "headPitch", -0.10 * m);
      this.#add(out, "gazeY", -0.15 * m);
      this.#add(out, "browInnerUp", 0.5 * m * (1 - lids));
    }
  }
}

/** Things that happen now and then, the same ones for the same seed, whenever one asks. */
class Events {
  /** @param {number} seed @param {number} least @param {number} most s between two */
  constructor(seed, least, most) {
    Object.assign(this, { seed, least, most, step: (least + most) / 2 });
  }

  /** s; ascending in k, `least` to `most` apart. */
  time(k) {
    return (k + (hash(this.seed, k, 1) - 0.5) * (this.most - this.least) / 2 / this.step) * this.step;
  }

  /** The newest event at or before t. */
  index(t) {
    let k = Math.floor(t / this.step) + 1;
    while (this.time(k) > t) k--;
    return k;
  }

  near(t) {
    const k = this.index(t);
    return [k - 1, k];
  }
}

/** A fixed random number in 0..1 of three integers. */
function hash(a, b, c) {
  let h = (Math.imul(a | 0, 374761393) ^ Math.imul(b | 0, 668265263) ^ Math.imul(c | 0, 2147483647)) | 0;
  h = Math.imul(h ^ (h >>> 13), 1274126177);
  h = Math.imul(h ^ (h >>> 16), 2246822519);
  return ((h ^ (h >>> 15)) >>> 0) / 4294967296;
}

/** Smooth noise in -1..1: a cubic through random values at whole numbers. */
function drift(t, seed) {
  const k = Math.floor(t), f = t - k, s = Math.round(seed * 10);
  const v = (i) => 2 * hash(s, i, 77) - 1, u = f * f * f * (f * (6 * f - 15) + 10);
  return v(k) + (v(k + 1) - v(k)) * u;
}

function smooth(x) {
  const t = Math.max(0, Math.min(1, x));
  return t * t * (3 - 2 * t);
}

/** How far a lid is shut, `s` seconds into a blink. */
function blinkAt(s) {
  if (s <= 0 || s >= 0.24) return 0;
  return s < 0.07 ? smooth(s / 0.07) : s < 0.09 ? 1 : 1 - smooth((s - 0.09) / 0.15);
}
