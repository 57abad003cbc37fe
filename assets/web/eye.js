/** One eye behind its lids: where the eyeball is, how it is turned, the lids' contours over it, and the lashes on the upper one. */

const LOOK = 0.45;
const OPEN_LASH = 0.04, SHUT_LASH = 0.14;          // of the eye's width

export class Eye {
  /** @param {import("./pose.js").Rig} rig @param {number} k 0: the picture's left @param {import("./surface.js").Surface} surface */
  constructor(rig, k, surface) {
    const eye = rig.eyes[k];
    this.half = k * 0.5;
    this.width = eye.width;
    this.side = eye.side;
    this.name = k ? "Left" : "Right";
    const order = (row) => (k ? [...row].reverse() : [...row]);          // from the picture's left to its right
    this.upper = order(eye.upper);
    this.lower = order(eye.lower);
    const at = (i) => [rig.points[i][0], rig.points[i][1]];
    const rim = [...this.upper, ...this.lower].map(at), xs = rim.map((p) => p[0]), ys = rim.map((p) => p[1]);
    this.centre = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
    this.corners = [at(this.upper[0]), at(this.upper[8])];
    const [x, y, radius] = k ? rig.iris.right : rig.iris.left;
    this.iris = new Float32Array([x - this.centre[0], y - this.centre[1], radius]);
    this.reach = new Float32Array([Math.min(...xs) - this.centre[0] - this.width * 0.12, Math.min(...ys) - this.centre[1] - this.width * 0.25,
      Math.max(...xs) - this.centre[0] + this.width * 0.12, Math.max(...ys) - this.centre[1] + this.width * 0.2]);
    this.gap = this.#gap(rig.points.flat());
    this.origin = new Float32Array(2);
    this.frame = new Float32Array(4);
    this.gaze = new Float32Array(9);
    this.top = new Float32Array(18);
    this.bottom = new Float32Array(18);
    this.shut = 0;
    this.rim = surface.along(eye.upper[0], eye.upper[8], eye.upper[4]);
    this.lashes = new Float32Array(this.rim.length * 8);                  // two points each: x, y, along, from root to tip
  }

  #gap(p) {
    let sum = 0;
    for (let k = 2; k < 7; k++) sum += p[3 * this.lower[k] + 1] - p[3 * this.upper[k] + 1];
    return sum / 5;
  }

  /** @param {import("./pose.js").Pose} pose @param {Float32Array} places of the surface */
  update(pose, places) {
    const p = pose.points, a = 3 * this.upper[0], b = 3 * this.upper[8], [r0, r1] = this.corners;
    const dx = p[b] - p[a], dy = p[b + 1] - p[a + 1], rx = r1[0] - r0[0], ry = r1[1] - r0[1];
    const angle = Math.atan2(dy, dx) - Math.atan2(ry, rx), scale = Math.hypot(dx, dy) / Math.hypot(rx, ry);
    const f = this.frame, cos = Math.cos(angle), sin = Math.sin(angle);
    f[0] = cos * scale; f[1] = sin * scale; f[2] = -sin; f[3] = cos;
    const ox = this.centre[0] - (r0[0] + r1[0]) / 2, oy = this.centre[1] - (r0[1] + r1[1]) / 2;
    this.origin[0] = (p[a] + p[b]) / 2 + f[0] * ox + f[2] * oy;
    this.origin[1] = (p[a + 1] + p[b + 1]) / 2 + f[1] * ox + f[3] * oy;
    this.#local(p, this.upper, this.top);
    this.#local(p, this.lower, this.bottom);
    this.shut = Math.min(1, Math.max(0, 1 - this.#gap(p) / this.gap));
    this.#turn(pose);
    this.#lash(places);
  }

  #local(p, row, out) {
    const f = this.frame, det = f[0] * f[3] - f[1] * f[2];
    for (let k = 0; k < 9; k++) {
      const x = p[3 * row[k]] - this.origin[0], y = p[3 * row[k] + 1] - this.origin[1];
      out[2 * k] = (f[3] * x - f[2] * y) / det;
      out[2 * k + 1] = (f[0] * y - f[1] * x) / det;
    }
  }

  /** The matrix takes a place on the eyeball as seen to the place on the eyeball as it looks ahead (column by column). */
  #turn(pose) {
    const w = pose.weights, at = pose.at, n = this.name;
    const side = this.side * LOOK * (w[at["eyeLookOut" + n]] - w[at["eyeLookIn" + n]]);
    const up = LOOK * (w[at["eyeLookUp" + n]] - w[at["eyeLookDown" + n]]);
    const cy = Math.cos(side), sy = Math.sin(side), cx = Math.cos(up), sx = Math.sin(up), m = this.gaze;
    // z towards the viewer here; x right, y down
    m[0] = cy; m[3] = 0; m[6] = -sy;
    m[1] = sx * sy; m[4] = cx; m[7] = sx * cy;
    m[2] = cx * sy; m[5] = -sx; m[8] = cx * cy;
  }

  #lash(places) {
    const rim = this.rim, n = rim.length, out = this.lashes;
    const turn = Math.min(1, Math.max(0, (this.shut - 0.08) / 0.34)), fall = turn * turn * (3 - 2 * turn), first = 3 * rim[0], last = 3 * rim[n - 1];
    const ux = (places[last] - places[first]) * -this.side, uy = (places[last + 1] - places[first + 1]) * -this.side, u = Math.hypot(ux, uy) || 1;
    const downX = -uy / u, downY = ux / u;              // down along the face
    for (let k = 0; k < n; k++) {
      const o = 3 * rim[k], t = k / (n - 1);            // 0 at the outer corner
      const x = places[o], y = places[o + 1];
      const grow = Math.sin(Math.PI * Math.min(1, 0.12 + 0.92 * t)) ** 0.7 * (1.15 - 0.5 * t);
      const length = this.width * (OPEN_LASH + (SHUT_LASH - OPEN_LASH) * fall) * grow;
      const lean = (0.55 - 1.1 * t) * (0.35 + 0.65 * fall);
      const way = -1 + 2 * fall;                        // up while open, down when shut
      const back = this.width * 0.018;
      const j = 8 * k;
      out[j] = x + downX * back * -way;
      out[j + 1] = y + downY * back * -way;
      out[j + 2] = t;
      out[j + 3] = 0;
      out[j + 4] = x + (downX * way - (ux / u) * lean) * length;
      out[j + 5] = y + (downY * way - (uy / u) * lean) * length;
      out[j + 6] = t;
      out[j + 7] = 1;
    }
  }
}
