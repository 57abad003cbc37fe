/**
 * A twin's face on a canvas: loads a face/ folder, takes 57 weights, draws. What moves where is in pose.js, how it looks in shaders.js.
 */
import { Eye } from "./eye.js";
import { Layers } from "./layers.js";
import { Mouth } from "./mouth.js";
import { Pose } from "./pose.js";
import { Surface } from "./surface.js";
import { bitingEdges, drawTeeth } from "./teeth.js";

const BREATH = 4.3;              // s from one breath to the next, at rest
const OVAL = [10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
  93, 234, 127, 162, 21, 54, 103, 67, 109];

export class Face {
  /** @param {HTMLCanvasElement} canvas Throws an Error with a text for people where WebGL 2 is missing. */
  constructor(canvas) {
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { alpha: true, premultipliedAlpha: true, antialias: false, depth: false, stencil: false,
      powerPreference: "high-performance" });
    if (!this.gl) throw new Error("This browser cannot draw the moving face (WebGL 2 is missing or switched off). The still picture is shown instead.");
    this.layers = null;
    this.scene = true;
    /** 0 out .. 1 in; null: the face breathes by itself. */
    this.breath = window.matchMedia?.("(prefers-reduced-motion: reduce)").matches ? 0 : null;
    this.lost = false;
    this.frames = 0;
    this.spent = 0;              // ms of the last frame on the CPU
    this.mean = 0;
    this.wanted = 0;
    this.listeners = [["webglcontextlost", (e) => { e.preventDefault(); this.lost = true; this.layers = null; }],
      ["webglcontextrestored", () => { this.lost = false; this.#stock(); this.draw(); }]];
    for (const [name, listener] of this.listeners) canvas.addEventListener(name, listener);
    this.fit = { scale: 1, x: 0, y: 0, width: 1, height: 1, ratio: 1 };
  }

  /**
   * Loads a face folder; the newest call wins. Throws an Error naming the file that could not be had.
   * @param {string} url ends in /face/ @param {(address: string) => Promise<Response>} [get] for one that says who is asking
   */
  async load(url, get = (address) => fetch(address)) {
    const base = url.endsWith("/") ? url : url + "/", turn = ++this.wanted;
    const picture = async (name, optional = false) => {
      const answer = await get(base + name);
      if (!answer.ok) {
        if (optional) return null;
        throw new Error(`The face could not be loaded: ${name} (${answer.status}).`);
      }
      return createImageBitmap(await answer.blob(), { premultiplyAlpha: "premultiply" });
    };
    const answer = await get(base + "rig.json");
    if (!answer.ok) throw new Error(`The face could not be loaded: rig.json (${answer.status}).`);
    const [rig, portrait, background, eyes, iris, mouth] = await Promise.all([answer.json(), picture("portrait.webp"), picture("background.webp"),
      picture("eyes.webp"), picture("iris.webp"), picture("mouth.webp", true)]);
    if (turn !== this.wanted) return;
    this.rig = rig;
    this.pictures = { portrait, background, eyes, iris, teeth: mouth ?? drawTeeth() };
    this.bite = bitingEdges(this.pictures.teeth);
    this.pose = new Pose(rig);
    this.weights = new Float32Array(this.pose.channels.length);
    this.pose.apply(this.weights, 0);
    this.surface = new Surface(rig, this.pose);
    this.eyes = [0, 1].map((k) => new Eye(rig, k, this.surface));
    this.mouth = new Mouth(rig, this.surface);
    this.layers?.dispose();
    this.#stock();
    this.resize();
  }

  #stock() {
    if (this.rig) this.layers = new Layers(this.gl, this.rig, this.pictures, { surface: this.surface, eyes: this.eyes, mouth: this.mouth, bite: this.bite });
  }

  /** @param {Float32Array} weights 57, real values; copied @param {"scene" | "transparent"} background */
  set(weights, background = "scene") {
    this.weights?.set(weights);
    this.scene = background !== "transparent";
  }

  /** Fits the person into the canvas's present size: feet on the ground, all of the face in sight, sides cropped where it is narrow. */
  resize() {
    const { canvas, rig } = this, width = Math.max(1, canvas.clientWidth), height = Math.max(1, canvas.clientHeight);
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    if (!rig) return;
    const [w, h] = rig.size;
    const xs = OVAL.map((i) => rig.points[i][0]), middle = (Math.min(...xs) + Math.max(...xs)) / 2, across = Math.max(...xs) - Math.min(...xs);
    const scale = Math.min(height / h, width / (1.45 * across));
    let x = width / 2 - middle * scale;
    if (width < w * scale) x = Math.min(0, Math.max(width - w * scale, x));
    this.fit = { scale, x, y: height - h * scale, width, height, ratio };
  }

  draw() {
    const { gl, layers, fit, pose } = this;
    if (!layers || this.lost || gl.isContextLost()) return;
    const began = performance.now();
    pose.apply(this.weights, this.breath ?? breathAt(began / 1000));
    const places = this.surface.places;
    this.surface.update(1.5 / fit.scale);
    for (const eye of this.eyes) eye.update(pose, places);
    this.mouth.update(pose, places);
    layers.view.set([2 * fit.scale / fit.width, -2 * fit.scale / fit.height, 2 * fit.x / fit.width - 1, 1 - 2 * fit.y / fit.height]);
    this.#cover();
    layers.draw(this.scene);
    this.spent = performance.now() - began;
    this.mean += (this.spent - this.mean) * 0.05;
    this.frames++;
  }

  /** The background covers the canvas, four hundredths larger, and shifts a little against the head. */
  #cover() {
    const { fit, rig, layers, pose } = this, [w, h] = rig.size;
    const cover = 1.04 * Math.max(fit.width / w, fit.height / h), u = fit.width / (w * cover), v = fit.height / (h * cover);
    const dx = 0.03 * pose.weights[pose.at.headYaw], dy = -0.02 * pose.weights[pose.at.headPitch];
    layers.cover.set([u, v, (1 - u) / 2 + dx, (1 - v) * 0.4 + dy]);
  }

  /** Landmark places in CSS px of the canvas. @param {Float32Array} [weights] 57; those of the last frame if left out @returns {Float32Array} [478*2] */
  points(weights) {
    const out = new Float32Array(956);
    if (!this.pose) return out;
    const pose = weights ? (this.spare ??= new Pose(this.rig)) : this.pose;
    if (weights) pose.apply(weights, 0);
    const p = pose.points, { scale, x, y } = this.fit;
    for (let i = 0; i < 478; i++) {
      out[2 * i] = p[3 * i] * scale + x;
      out[2 * i + 1] = p[3 * i + 1] * scale + y;
    }
    return out;
  }

  /** The lips' box in CSS px of the canvas, as last drawn. */
  mouthBox() {
    if (!this.pose) return { x: 0, y: 0, width: 0, height: 0 };
    const p = this.points(), ids = [61, 291, 0, 17, 37, 267, 84, 314, 146, 375];
    const xs = ids.map((i) => p[2 * i]), ys = ids.map((i) => p[2 * i + 1]);
    const x = Math.min(...xs), y = Math.min(...ys);
    return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
  }

  /** Mean luminance 0..255 of the mouth's box at rest, of the frame just drawn. Call it right after draw(), in the same task. */
  readMouth() {
    const { gl, fit, rig } = this;
    if (!rig || this.lost) return 0;
    const [x, y] = rig.mouth.place, u = rig.head.unit, r = fit.ratio;
    const w = Math.max(1, Math.round(0.3 * u * fit.scale * r)), h = Math.max(1, Math.round(0.3 * u * fit.scale * r));
    const left = Math.round((x * fit.scale + fit.x) * r - w / 2), top = Math.round((y * fit.scale + fit.y - 0.04 * u * fit.scale) * r);
    const pixels = new Uint8Array(w * h * 4);
    gl.readPixels(left, this.canvas.height - top - h, w, h, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
    let sum = 0;
    for (let k = 0; k < pixels.length; k += 4) sum += 0.2126 * pixels[k] + 0.7152 * pixels[k + 1] + 0.0722 * pixels[k + 2];
    return sum / (w * h);
  }

  /** What a frame costs and consists of. */
  stats() {
    return { frames: this.frames, ms: this.spent, meanMs: this.mean, points: this.surface?.count ?? 0, triangles: (this.surface?.triangles.length ?? 0) / 3,
      lost: this.lost, width: this.canvas.width, height: this.canvas.height };
  }

  dispose() {
    for (const [name, listener] of this.listeners) this.canvas.removeEventListener(name, listener);
    this.layers?.dispose();
    this.layers = null;
    this.wanted++;
  }
}

/** A breath: in for two fifths, out for the rest, with a pause. */
function breathAt(t) {
  const phase = (t / BREATH) % 1;
  return phase < 0.4 ? 0.5 - 0.5 * Math.cos(Math.PI * phase / 0.4) : phase < 0.85 ? 0.5 + 0.5 * Math.cos(Math.PI * (phase - 0.4) / 0.45) : 0;
}
