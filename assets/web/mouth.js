/** The inside of the mouth: a patch that hangs on the skull, lower teeth that hang on the jaw, lips as a frame, and a tongue that can come out. */

export class Mouth {
  /** @param {import("./pose.js").Rig} rig @param {import("./surface.js").Surface} surface */
  constructor(rig, surface) {
    this.rig = rig.mouth;
    this.unit = rig.head.unit;
    this.width = rig.mouth.width;
    this.base = surface.pose.base.slice(0, 478 * 3);
    this.origin = new Float32Array(2);
    this.frame = new Float32Array(4);
    this.jaw = new Float32Array(2);
    this.top = new Float32Array(22);
    this.bottom = new Float32Array(22);
    this.box = new Float32Array(4);
    this.spot = new Float32Array(9);
    this.raise = this.tongue = this.gap = this.apart = 0;
    this.rim = surface.along(this.rig.upper[0], this.rig.upper[10], 14);
    this.strip = new Float32Array(this.rim.length * 4);
  }

  /** @param {import("./pose.js").Pose} pose @param {Float32Array} places of the surface */
  update(pose, places) {
    const { place, right, down, jaw } = this.rig, s = this.spot, w = pose.weights, at = pose.at, u = this.unit;
    pose.turn(s, 0, place[0], place[1], place[2]);
    pose.turn(s, 3, place[0] + right[0] * u, place[1] + right[1] * u, place[2] + right[2] * u);
    pose.turn(s, 6, place[0] + down[0] * u, place[1] + down[1] * u, place[2] + down[2] * u);
    const f = this.frame;
    this.origin[0] = s[0];
    this.origin[1] = s[1] - pose.lift;
    f[0] = (s[3] - s[0]) / u; f[1] = (s[4] - s[1]) / u; f[2] = (s[6] - s[0]) / u; f[3] = (s[7] - s[1]) / u;
    const open = w[at.jawOpen], side = w[at.jawLeft] - w[at.jawRight];
    this.jaw[0] = 0.11 * u * side;
    this.jaw[1] = (jaw[0] * down[0] + jaw[1] * down[1] + jaw[2] * down[2]) * open;
    this.#local(pose.points, this.rig.upper, this.top);
    this.#local(pose.points, this.rig.lower, this.bottom);
    const narrow = Math.min(1, Math.max(0, ((this.top[20] - this.top[0]) / this.width - 0.58) / 0.34));
    const parted = Math.max(0, this.bottom[11] - this.top[11]);
    this.gap = parted * (0.25 + 0.75 * narrow);          // a narrow mouth lets less light in
    this.apart = Math.min(1, parted / (0.06 * u));
    const stretch = (w[at.mouthStretchLeft] + w[at.mouthStretchRight] + w[at.mouthSmileLeft] + w[at.mouthSmileRight]) / 2;
    const tip = w[at.tongueOut];
    this.raise = Math.min(1, 2.2 * tip + Math.min(0.55, 0.6 * stretch) * Math.max(0, 1 - 1.6 * open));
    this.tongue = Math.max(0, (tip - 0.4) / 0.6);
    this.#around();
    this.#lick(places);
  }

  #local(p, row, out) {
    for (let k = 0; k < 11; k++) this.#into(p[3 * row[k]], p[3 * row[k] + 1], out, 2 * k);
  }

  #into(px, py, out, o) {
    const f = this.frame, det = f[0] * f[3] - f[1] * f[2], x = px - this.origin[0], y = py - this.origin[1];
    out[o] = (f[3] * x - f[2] * y) / det;
    out[o + 1] = (f[0] * y - f[1] * x) / det;
  }

  #around() {
    const b = this.box, margin = 0.12 * this.unit;
    b[0] = b[1] = 1e9;
    b[2] = b[3] = -1e9;
    for (const line of [this.top, this.bottom]) {
      for (let k = 0; k < 11; k++) {
        b[0] = Math.min(b[0], line[2 * k] - margin);
        b[1] = Math.min(b[1], line[2 * k + 1] - margin);
        b[2] = Math.max(b[2], line[2 * k] + margin);
        b[3] = Math.max(b[3], line[2 * k + 1] + margin);
      }
    }
  }

  /** A strip from the lower lip's inner edge downwards, on which a tongue that is out is drawn. */
  #lick(places) {
    const strip = this.strip, far = this.unit * 0.6;
    for (let k = 0; k < this.rim.length; k++) {
      const o = 3 * this.rim[k];
      this.#into(places[o], places[o + 1], strip, 4 * k);
      strip[4 * k + 1] -= 0.03 * this.unit;              // under the lip's soft rim
      strip[4 * k + 2] = strip[4 * k];
      strip[4 * k + 3] = strip[4 * k + 1] + far;
    }
  }
}
