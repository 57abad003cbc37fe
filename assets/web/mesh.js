/**
 * The face's mesh made finer, so that skin stretches in curves: every triangle becomes sixteen, new points follow the old ones by the
 * butterfly scheme (Dyn, Levin and Gregory 1990), points on the rim of an eye or of the mouth by the four-point curve through the rim alone,
 * so that lids and lips that meet at the coarse points meet everywhere. It draws nothing.
 */

export class Mesh {
  /**
   * @param {Float32Array} places [n*3] px in the portrait
   * @param {number[][]} triangles
   * @param {Set<number>} sharp rim points where the curve has a corner (the corners of the eyes)
   * @param {number} rounds how often each triangle is split in four
   */
  constructor(places, triangles, sharp, rounds = 2) {
    this.coarse = places.length / 3;
    this.rest = [];                                   // x, y of every point
    for (let i = 0; i < this.coarse; i++) this.rest.push(places[3 * i], places[3 * i + 1]);
    this.starts = [0];
    this.index = [];                                  // which earlier points a new point is made of ...
    this.share = [];                                  // ... and how much of each
    this.ends = [];                                   // the two ends of the edge a new point sits on
    let faces = triangles;
    for (let k = 0; k < rounds; k++) faces = this.#split(faces, sharp);
    this.count = this.rest.length / 2;
    this.faces = faces;
    this.rest = Float32Array.from(this.rest);
    this.starts = Uint32Array.from(this.starts);
    this.index = Uint16Array.from(this.index);
    this.share = Float32Array.from(this.share);
    this.triangles = Uint16Array.from(faces.flat());
    this.rims = rims(faces);
  }

  #split(faces, sharp) {
    const beside = new Map();                         // "a,b" of a directed edge -> the third point
    for (const [a, b, c] of faces) {
      beside.set(a * 65536 + b, c);
      beside.set(b * 65536 + c, a);
      beside.set(c * 65536 + a, b);
    }
    const third = (a, b) => beside.get(a * 65536 + b);
    const after = new Map(), before = new Map();      // along the rims
    for (const key of beside.keys()) {
      const a = Math.floor(key / 65536), b = key % 65536;
      if (third(b, a) === undefined) {
        after.set(a, b);
        before.set(b, a);
      }
    }
    const made = new Map();
    const middle = (a, b) => {
      const key = Math.min(a, b) * 65536 + Math.max(a, b);
      if (!made.has(key)) {
        made.set(key, this.rest.length / 2);
        const rim = third(a, b) === undefined || third(b, a) === undefined;
        this.#point(a, b, rim ? rimMask(a, b, after, before, sharp) : butterfly(a, b, third), rim);
      }
      return made.get(key);
    };
    const out = [];
    for (const [a, b, c] of faces) {
      const ab = middle(a, b), bc = middle(b, c), ca = middle(c, a);
      out.push([a, ab, ca], [ab, b, bc], [ca, bc, c], [ab, bc, ca]);
    }
    return out;
  }

  /** A new point: its displacement follows `mask`; where it lies in the picture does so only on a rim. */
  #point(a, b, mask, rim) {
    const r = this.rest;
    let x = (r[2 * a] + r[2 * b]) / 2, y = (r[2 * a + 1] + r[2 * b + 1]) / 2;
    if (rim) {
      x = y = 0;
      for (const [i, s] of mask) {
        x += s * r[2 * i];
        y += s * r[2 * i + 1];
      }
    }
    r.push(x, y);
    for (const [i, s] of mask) {
      this.index.push(i);
      this.share.push(s);
    }
    this.starts.push(this.index.length);
    this.ends.push([a, b]);
  }

  /**
   * Fills the new points of a field of three numbers a point, of which the coarse ones are there.
   * @param {Float32Array} field [count*3]
   */
  fill(field) {
    const { starts, index, share, coarse } = this;
    for (let v = coarse, k = 0; v < this.count; v++, k++) {
      let x = 0, y = 0, s = 0;
      for (let j = starts[k]; j < starts[k + 1]; j++) {
        const o = 3 * index[j], w = share[j];
        x += w * field[o];
        y += w * field[o + 1];
        s += w * field[o + 2];
      }
      field[3 * v] = x;
      field[3 * v + 1] = y;
      field[3 * v + 2] = s;
    }
  }

  /** One number a point, straight along the edges. @param {(i: number) => number} value of a coarse point */
  linear(value) {
    const out = new Float32Array(this.count);
    for (let i = 0; i < this.coarse; i++) out[i] = value(i);
    this.ends.forEach(([a, b], k) => { out[this.coarse + k] = (out[a] + out[b]) / 2; });
    return out;
  }
}

function rimMask(a, b, after, before, sharp) {
  const [first, last] = after.get(a) === b ? [a, b] : [b, a];
  if (sharp.has(first) !== sharp.has(last)) {          // a curve that starts at a corner: the parabola through three points
    const [corner, next] = sharp.has(first) ? [first, last] : [last, first];
    const beyond = sharp.has(first) ? after.get(last) : before.get(first);
    return [[corner, 0.375], [next, 0.75], [beyond, -0.125]];
  }
  return [[first, 0.5625], [last, 0.5625], [before.get(first), -0.0625], [after.get(last), -0.0625]];
}

function butterfly(a, b, third) {
  const mask = new Map();
  const put = (i, s) => mask.set(i, (mask.get(i) ?? 0) + s);
  put(a, 0.5);
  put(b, 0.5);
  for (const [p, q] of [[a, b], [b, a]]) {
    const c = third(p, q);                             // triangle p, q, c
    put(c, 0.125);
    for (const [s, t, other] of [[c, q, p], [p, c, q]]) {
      const wing = third(s, t);                        // across edge q-c and across c-p
      if (wing !== undefined) put(wing, -0.0625);
      else {                                           // beyond the rim: the mirror image
        put(s, -0.0625);
        put(t, -0.0625);
        put(other, 0.0625);
      }
    }
  }
  return [...mask];
}

/** The closed loops of edges that have one triangle only. @returns {number[][]} */
function rims(faces) {
  const seen = new Set();
  for (const [a, b, c] of faces) for (const [p, q] of [[a, b], [b, c], [c, a]]) seen.add(p * 65536 + q);
  const after = new Map();
  for (const key of seen) {
    const a = Math.floor(key / 65536), b = key % 65536;
    if (!seen.has(b * 65536 + a)) after.set(a, b);
  }
  const loops = [];
  while (after.size) {
    const loop = [];
    for (let at = after.keys().next().value; after.has(at);) {
      loop.push(at);
      const next = after.get(at);
      after.delete(at);
      at = next;
    }
    loops.push(loop);
  }
  return loops;
}
