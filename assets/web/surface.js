/**
 * The skin as it is drawn: the fine mesh under the present pose, with soft rims at the eyes and the mouth. Typed arrays only, no WebGL:
 * `fixed` goes to the GPU once, `places` every frame.
 */
import { Light } from "./light.js";
import { Mesh } from "./mesh.js";

const CORNERS = [0.62, 0.9, 1, 1, 1, 0.9, 0.62];        // a photograph's lid goes over into the skin at the corners of the eye

export class Surface {
  /** @param {import("./pose.js").Rig} rig @param {import("./pose.js").Pose} pose at rest */
  constructor(rig, pose) {
    this.pose = pose;
    const corners = new Set(rig.eyes.flatMap((eye) => [eye.upper[0], eye.upper.at(-1)]));
    this.mesh = new Mesh(pose.picture, rig.triangles, corners);
    this.light = new Light(rig.light ?? [-0.3, -0.5, -0.8], rig.triangles, pose.count, shares(rig, pose.count));
    this.light.settle(pose.points);
    this.field = new Float32Array(this.mesh.count * 3);
    this.holes = [13, ...rig.eyes.map((eye) => eye.upper[4])].map((i) => Uint16Array.from(this.mesh.rims.find((loop) => loop.includes(i))));
    this.#build(rig);
  }

  #build(rig) {
    const { mesh, holes } = this;
    const soft = holes.reduce((sum, loop) => sum + loop.length, 0);
    this.count = mesh.count + soft;
    this.fixed = new Float32Array(this.count * 5);      // x, y px in the portrait; alpha; lid; lip
    this.places = new Float32Array(this.count * 3);     // x, y px; change of light
    const kind = new Map();                              // how much a point belongs to an upper lid: its edge 1, the fold above half, < 0 the picture's left
    for (const eye of rig.eyes) {
      for (const [row, share] of [[eye.above, 0.5], [eye.upper, 1]]) {
        row.slice(1, -1).forEach((i, k) => kind.set(i, share * eye.side * (rig.fold ? CORNERS[k] : 1)));
      }
    }
    const lid = mesh.linear((i) => kind.get(i) ?? 0);
    const rim = new Map();                               // the lips' inner edges: -1 the upper one, 1 the lower one
    for (const [row, sign] of [[rig.mouth.upper, -1], [rig.mouth.lower, 1]]) row.slice(1, -1).forEach((i) => rim.set(i, sign));
    const lip = mesh.linear((i) => rim.get(i) ?? 0);
    for (let v = 0; v < mesh.count; v++) this.fixed.set([mesh.rest[2 * v], mesh.rest[2 * v + 1], 1, lid[v], lip[v]], 5 * v);
    const strips = [];
    let at = mesh.count;
    for (const loop of holes) {
      const start = at;
      loop.forEach((v, k) => {
        this.fixed.set([mesh.rest[2 * v], mesh.rest[2 * v + 1], 0, lid[v], lip[v]], 5 * at++);
        const next = (k + 1) % loop.length;
        strips.push(v, loop[next], start + k, start + k, loop[next], start + next);
      });
    }
    const all = new Uint16Array(mesh.triangles.length + strips.length);
    all.set(mesh.triangles);
    all.set(strips, mesh.triangles.length);
    this.triangles = all;
  }

  /** Fills `places` from the pose. @param {number} rim width of the soft rims, px of the portrait */
  update(rim) {
    const { pose, mesh, field, places, light } = this, p = pose.points, r = pose.picture;
    light.update(p);
    for (let i = 0; i < pose.count; i++) {
      field[3 * i] = p[3 * i] - r[3 * i];
      field[3 * i + 1] = p[3 * i + 1] - r[3 * i + 1];
      field[3 * i + 2] = light.lit[i];
    }
    mesh.fill(field);
    const rest = mesh.rest;
    for (let v = 0; v < mesh.count; v++) {
      places[3 * v] = rest[2 * v] + field[3 * v];
      places[3 * v + 1] = rest[2 * v + 1] + field[3 * v + 1];
      places[3 * v + 2] = field[3 * v + 2];
    }
    let at = 3 * mesh.count;
    for (const loop of this.holes) {
      const n = loop.length;
      for (let k = 0; k < n; k++, at += 3) {
        const a = 3 * loop[k === 0 ? n - 1 : k - 1], b = 3 * loop[k], c = 3 * loop[k + 1 === n ? 0 : k + 1];
        const dx = places[c] - places[a], dy = places[c + 1] - places[a + 1], length = Math.sqrt(dx * dx + dy * dy) || 1;
        places[at] = places[b] + rim * dy / length;       // the hole lies to the left of the rim's direction
        places[at + 1] = places[b + 1] - rim * dx / length;
        places[at + 2] = places[b + 2];
      }
    }
  }

  /** The fine points between two coarse points along a hole's rim, by way of a third. @returns {Uint16Array} */
  along(from, to, by) {
    const loop = [...this.holes.find((rim) => rim.includes(by))];
    const turned = loop.indexOf(from);
    const round = [...loop.slice(turned), ...loop.slice(0, turned)];
    const part = round.slice(0, round.indexOf(to) + 1);
    return Uint16Array.from(part.includes(by) ? part : [from, ...round.slice(round.indexOf(to)).reverse()]);
  }
}

/**
 * What goes on beside the picture on a stage wider than it: its outermost columns drawn out sideways and downwards,
 * as shoulders fall; z says how far, 0..1.
 * @param {[number, number]} size px of the portrait
 * @returns {{fixed: Float32Array, places: Float32Array, triangles: Uint16Array}}
 */
export function wings([width, height]) {
  const fixed = [], places = [], triangles = [], far = [0, 0.03, 0.07, 0.13, 0.22, 0.36, 0.6];
  for (const side of [-1, 1]) {
    const first = places.length / 3;
    for (const x of far.map((f) => f * width)) {
      for (const y of [0, height]) {
        fixed.push(side < 0 ? 0.5 : width - 0.5, y, 1, 0, 0);
        places.push(side < 0 ? -x : width + x, y + 0.42 * x + 2.2 * x * x / width, Math.min(1, 6 * x / width));
      }
    }
    for (let k = 0; k < far.length - 1; k++) {
      const a = first + 2 * k;
      triangles.push(a, a + 1, a + 2, a + 2, a + 1, a + 3);
    }
  }
  return { fixed: Float32Array.from(fixed), places: Float32Array.from(places), triangles: Uint16Array.from(triangles) };
}

/** Light changes on the face, less at its edge, and not on hair, neck and clothes: what lies beside each other must not part. */
function shares(rig, count) {
  const share = new Float32Array(count);
  const near = new Map();
  for (const t of rig.triangles) for (const a of t) for (const b of t) if (b >= 478) near.set(a, (near.get(a) ?? 0) + 1);
  for (let i = 0; i < 468; i++) share[i] = near.has(i) ? 0 : 1;
  const edge = [...near.keys()].filter((i) => i < 468);
  for (const t of rig.triangles) if (t.some((i) => edge.includes(i))) for (const i of t) share[i] = Math.min(share[i], edge.includes(i) ? 0.15 : 0.55);
  for (const i of edge) share[i] = 0.15;
  return share;
}
