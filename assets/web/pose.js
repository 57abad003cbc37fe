/**
 * Weights in, places out: a rig posed by 57 channels. It draws nothing. `twin/paint/pose.py` is the reference of the same steps:
 * shapes are added, lips and lids touch without passing each other, the head turns, the chest breathes.
 */

/** @typedef {{i: number[], d: number[][]}} Sparse */
/**
 * @typedef {object} Rig
 * @property {[number, number]} size px
 * @property {number[][]} points 478 landmarks [x, y, z] px
 * @property {number[][]} ring
 * @property {number[]} ring_follow
 * @property {number[]} ring_breath
 * @property {number[][]} triangles
 * @property {Sparse} rest what closes the lips of a face pictured with them apart
 * @property {Object<string, Sparse>} shapes in the order of the channels
 * @property {{lips: number[][], falloff: number[], lids: number[][], down: number[]}} contact
 * @property {number[]} relief z px of every point for a turning head
 * @property {{pivot: number[], distance: number, unit: number}} head
 * @property {{place: number[], width: number, right: number[], down: number[], jaw: number[], upper: number[], lower: number[]}} mouth
 * @property {{upper: number[], lower: number[], above: number[], iris: number, side: number, width: number}[]} eyes
 * @property {{left: number[], right: number[]}} iris [x, y, radius] px, the picture's left and right
 * @property {number[]} skin @property {number[]} lip @property {number[]} lid @property {number[]} lash @property {number[]} light
 */

const SIGNED = ["headYaw", "headPitch", "headRoll", "gazeX", "gazeY"];
const LOOK = 0.45, TURN = 0.9, RISE = 0.028;      // as in pose.py
const FOLDED = 1e-6, SLIM = 0.05, OPENED = 4e-4, SWEEPS = 400;
const LANDMARKS = 478;

export class Pose {
  /** @param {Rig} rig */
  constructor(rig) {
    this.rig = rig;
    /** The 57 channels' names, in the order of the weights. */
    this.channels = [...Object.keys(rig.shapes), ...SIGNED];
    this.at = Object.fromEntries(this.channels.map((name, k) => [name, k]));
    const all = [...rig.points, ...rig.ring];
    this.count = all.length;
    this.picture = Float32Array.from(all.flat());                 // where each point is in the portrait
    this.base = this.picture.slice();
    rig.relief.forEach((z, i) => { this.base[3 * i + 2] = z; });
    add(this.base, pack(rig.rest), 1);
    this.triangles = Uint16Array.from(rig.triangles.flat());
    this.size = new Float32Array(rig.triangles.length);            // twice the signed area of each at rest
    for (let k = 0; k < this.size.length; k++) this.size[k] = this.#area(this.base, 3 * k);
    this.give = new Uint8Array(this.count).fill(1);                // where lips and lids meet nothing gives way
    for (const row of rig.contact.lips) this.give[row[0]] = this.give[row[3]] = 0;
    for (const row of rig.contact.lids) this.give[row[0]] = this.give[row[2]] = 0;
    this.shapes = Object.values(rig.shapes).map(pack);
    this.follow = new Float32Array(this.count).fill(1);
    this.breath = new Float32Array(this.count).fill(0.35);
    this.follow.set(rig.ring_follow, LANDMARKS);
    this.breath.set(rig.ring_breath, LANDMARKS);
    this.points = this.base.slice();                               // the result: [x, y, z] px of each point
    this.weights = new Float32Array(this.channels.length);         // the weights that were really applied
    this.turned = new Float32Array(9);
    this.lift = 0;
  }

  /**
   * @param {Float32Array} given 57 weights: 0..1, the last five in rad
   * @param {number} breath 0 out .. 1 in
   */
  apply(given, breath) {
    this.#effective(given);
    const p = this.points, w = this.weights;
    p.set(this.base);
    for (let k = 0; k < this.shapes.length; k++) if (w[k] > 0.001) add(p, this.shapes[k], w[k]);
    this.#touch();
    this.#rotation();
    const rise = breath * RISE * this.rig.head.unit;
    this.lift = 0.35 * rise;                                       // px by which a breath has lifted the head
    for (let i = 0; i < this.count; i++) {
      const x = p[3 * i], y = p[3 * i + 1], z = p[3 * i + 2], f = this.follow[i];
      if (f > 0) {
        this.turn(p, 3 * i, x, y, z);
        if (f < 1) {
          p[3 * i] = x + (p[3 * i] - x) * f;
          p[3 * i + 1] = y + (p[3 * i + 1] - y) * f;
        }
      }
      p[3 * i + 1] -= rise * this.breath[i];
    }
    this.#unfold();
  }

  /** Skin does not fold: triangles that are turned over are opened again, their corners going the shortest way. */
  #unfold() {
    const p = this.points, t = this.triangles, { size, give } = this, unit = this.rig.head.unit ** 2;
    for (let sweep = 0; sweep < SWEEPS; sweep++) {
      const bad = [];
      for (let k = 0; k < size.length; k++) if (this.#area(p, 3 * k) * Math.sign(size[k]) < -FOLDED * unit) bad.push(k);
      if (!bad.length) return;
      for (const k of bad) {
        const sign = Math.sign(size[k]), wanted = sweep < SWEEPS / 2 ? Math.min(SLIM * Math.abs(size[k]), OPENED * unit) : 0;
        const lack = wanted - this.#area(p, 3 * k) * sign;
        if (lack <= 0) continue;
        const a = 3 * t[3 * k], b = 3 * t[3 * k + 1], c = 3 * t[3 * k + 2];
        const ga = give[a / 3], gb = give[b / 3], gc = give[c / 3];
        const x1 = (p[b + 1] - p[c + 1]) * ga, y1 = (p[c] - p[b]) * ga, x2 = (p[c + 1] - p[a + 1]) * gb, y2 = (p[a] - p[c]) * gb;
        const x3 = (p[a + 1] - p[b + 1]) * gc, y3 = (p[b] - p[a]) * gc;
        const far = lack * sign / Math.max(x1 * x1 + y1 * y1 + x2 * x2 + y2 * y2 + x3 * x3 + y3 * y3, 1e-6);
        p[a] += far * x1;
        p[a + 1] += far * y1;
        p[b] += far * x2;
        p[b + 1] += far * y2;
        p[c] += far * x3;
        p[c + 1] += far * y3;
      }
    }
  }

  /** Twice the signed area of the triangle that begins at index k. */
  #area(p, k) {
    const t = this.triangles, a = 3 * t[k], b = 3 * t[k + 1], c = 3 * t[k + 2];
    return (p[b] - p[a]) * (p[c + 1] - p[a + 1]) - (p[b + 1] - p[a + 1]) * (p[c] - p[a]);
  }

  #effective(given) {
    const w = this.weights, at = this.at;
    w.set(given);
    w[at.mouthClose] = Math.min(w[at.mouthClose], w[at.jawOpen]);
    const x = w[at.gazeX] / LOOK, y = w[at.gazeY] / LOOK;
    for (const [up, down, out, into, wide, blink, sign] of this.#sides()) {
      w[up] = Math.min(1, w[up] + Math.max(0, y));
      w[down] = Math.min(1, w[down] + Math.max(0, -y));
      w[out] = Math.min(1, w[out] + Math.max(0, sign * x));
      w[into] = Math.min(1, w[into] + Math.max(0, -sign * x));
      w[wide] *= 1 - w[blink];
    }
  }

  #sides() {
    const at = this.at;
    return this.sides ??= [["Right", -1], ["Left", 1]].map(([s, sign]) => [...["LookUp", "LookDown", "LookOut", "LookIn", "Wide", "Blink"]
      .map((name) => at["eye" + name + s]), sign]);
  }

  #touch() {
    const p = this.points, { lips, lids, falloff, down } = this.rig.contact;
    const [dx, dy] = down;
    for (const row of lips) {
      const over = gap(p, row[0], row[3], down);
      if (over > 0) {
        for (let k = 0; k < 3; k++) {
          const s = over * falloff[k] / 2;
          shift(p, row[k], -s * dx, -s * dy);
          shift(p, row[3 + k], s * dx, s * dy);
        }
      }
    }
    for (const row of lids) {
      const over = gap(p, row[0], row[2], down);
      if (over > 0) {
        shift(p, row[0], -over * dx, -over * dy);
        shift(p, row[1], -0.2 * over * dx, -0.2 * over * dy);
      }
    }
  }

  #rotation() {
    const w = this.weights, at = this.at, m = this.turned;
    const yaw = TURN * w[at.headYaw], pitch = TURN * w[at.headPitch], roll = TURN * w[at.headRoll];
    const cy = Math.cos(yaw), sy = Math.sin(yaw), cp = Math.cos(pitch), sp = Math.sin(pitch), cr = Math.cos(roll), sr = Math.sin(roll);
    // about_z @ about_y @ about_x of pose.py
    m[0] = cr * cy; m[1] = -sr * cp + cr * sy * sp; m[2] = -sr * sp - cr * sy * cp;
    m[3] = sr * cy; m[4] = cr * cp + sr * sy * sp; m[5] = cr * sp - sr * sy * cp;
    m[6] = sy; m[7] = -cy * sp; m[8] = cy * cp;
  }

  /** Turns one place of the head as `apply` last did, into out[o..o+2]. */
  turn(out, o, x, y, z) {
    const { pivot, distance } = this.rig.head, m = this.turned, c = z - pivot[2];
    const deep = 1 + c / distance;
    const a = (x - pivot[0]) * deep, b = (y - pivot[1]) * deep;
    const c2 = m[6] * a + m[7] * b + m[8] * c, away = 1 + c2 / distance;
    out[o] = pivot[0] + (m[0] * a + m[1] * b + m[2] * c) / away;
    out[o + 1] = pivot[1] + (m[3] * a + m[4] * b + m[5] * c) / away;
    out[o + 2] = pivot[2] + c2;
  }
}

/** @param {Sparse} sparse */
function pack(sparse) {
  return { i: Uint16Array.from(sparse.i), d: Float32Array.from(sparse.d.flat()) };
}

function add(p, shape, weight) {
  const { i, d } = shape;
  for (let k = 0, j = 0; k < i.length; k++, j += 3) {
    const o = 3 * i[k];
    p[o] += weight * d[j];
    p[o + 1] += weight * d[j + 1];
    p[o + 2] += weight * d[j + 2];
  }
}

function gap(p, a, b, down) {
  return (p[3 * a] - p[3 * b]) * down[0] + (p[3 * a + 1] - p[3 * b + 1]) * down[1];
}

function shift(p, i, x, y) {
  p[3 * i] += x;
  p[3 * i + 1] += y;
}
