/** How the light on each coarse point changes as the face moves: its normal now against its normal at rest, towards a fixed lamp. */

const GAIN = 0.34, MOST = 0.13;

export class Light {
  /**
   * @param {number[]} lamp direction the light comes from, z negative = from the front @param {number[][]} triangles @param {number} count
   * @param {Float32Array} share how much of the change each point takes
   */
  constructor(lamp, triangles, count, share) {
    this.share = share;
    const length = Math.hypot(...lamp) || 1;
    this.lamp = lamp.map((v) => v / length);
    this.triangles = Uint16Array.from(triangles.flat());
    this.normals = new Float32Array(count * 3);
    this.lit = new Float32Array(count);
    this.rest = null;
  }

  /** Takes the present points [n*3] as the face at rest. */
  settle(points) {
    this.#shine(points);
    this.rest = this.lit.slice();
  }

  /** The change of light at point i since `settle`, after `update`. */
  update(points) {
    this.#shine(points);
    for (let i = 0; i < this.lit.length; i++) {
      const d = GAIN * (this.lit[i] - this.rest[i]);
      this.lit[i] = this.share[i] * MOST * d / (MOST + (d < 0 ? -d : d));
    }
  }

  #shine(p) {
    const n = this.normals.fill(0), t = this.triangles, [lx, ly, lz] = this.lamp;
    for (let k = 0; k < t.length; k += 3) {
      const a = 3 * t[k], b = 3 * t[k + 1], c = 3 * t[k + 2];
      const ux = p[b] - p[a], uy = p[b + 1] - p[a + 1], uz = p[b + 2] - p[a + 2];
      const vx = p[c] - p[a], vy = p[c + 1] - p[a + 1], vz = p[c + 2] - p[a + 2];
      const x = uz * vy - uy * vz, y = ux * vz - uz * vx, z = uy * vx - ux * vy;     // towards the viewer, z < 0
      for (const o of [a, b, c]) {
        n[o] += x;
        n[o + 1] += y;
        n[o + 2] += z;
      }
    }
    for (let i = 0, o = 0; i < this.lit.length; i++, o += 3) {
      const length = Math.sqrt(n[o] * n[o] + n[o + 1] * n[o + 1] + n[o + 2] * n[o + 2]) || 1;
      this.lit[i] = (n[o] * lx + n[o + 1] * ly + n[o + 2] * lz) / length;
    }
  }
}
