/** The picture: the twin itself, what must be known about it, and what can be done to it. Draws a frame whenever the screen does. */
import { fetchOwn } from "./api.js";
import { Captions } from "./captions.js";
import { h, icon, iconButton, say, tip } from "./dom.js";
import { shortName } from "./picker.js";
import { faceOf, pictureOf } from "./pictures.js";
import { tintOf } from "./tint.js";
import { own, word } from "./words.js";

const CLOSEST = 1.12;                                   // times the size at which all of the portrait is seen
const SLOW = 45, COARSEST = 0.45;                        // ms between frames at which the picture gets coarser, and its limit
const EYES = 0.41;                                      // of the stage's height: where the eyes stand
const STATES = ["waking", "idle", "listening", "thinking", "speaking", "offline", "connecting"];

export class Stage {
  /**
   * @param {import("./player.js").Player} player
   * @param {{only: boolean, transparent: boolean, captions: boolean, muted: boolean, does: {captions(on: boolean): void, mute(on: boolean): void,
   *   only(on: boolean): void, tap(): void}, trouble(key: string): void}} options
   */
  constructor(player, options) {
    this.player = player;
    this.options = options;
    this.state = "connecting";
    /** @type {any} */ this.face = null;
    /** @type {any} */ this.idle = null;
    /** @type {string[]} */ this.channels = [];
    this.weights = new Float32Array(57);
    this.pointer = null;
    this.frames = 0;
    this.quality = 1;                                   // of the pixels that the screen has
    this.pace = { then: 0, mean: 16, frames: 0 };
    this.onframe = () => {};                            // after each frame, for those who measure
    this.twin = null;
    this.captions = new Captions();
    this.captionsOn = options.captions;
    this.muted = options.muted;
    this.canvas = h("canvas", { class: "face", "aria-hidden": "true" });
    this.still = h("img", { class: "still", alt: "", hidden: true });
    this.name = h("h1", {});
    this.line = h("p", {});
    this.chip = h("div", { class: "state" }, h("span", { class: "wave", "aria-hidden": "true" }, ...[0, 1, 2, 3, 4].map(() => h("i"))),
      (this.stateWord = h("span", { role: "status" })));
    this.capButton = iconButton("captions", "captions", () => this.toggleCaptions(), { class: "round glass", "aria-pressed": "true" });
    this.muteButton = iconButton("sound", "mute", () => this.toggleMute(), { class: "round glass" });
    this.onlyButton = iconButton("expand", "only", () => options.does.only(!options.only), { class: "round glass" });
    this.tapButton = h("button", { type: "button", class: "tap", hidden: true, onclick: () => options.does.tap() }, icon("sound"), (this.tapWord = h("span")));
    this.foot = h("div", { class: "foot" }, this.captions.element, this.tapButton,
      h("div", { class: "who" }, h("div", { class: "names" }, this.name, this.line), this.chip));
    this.element = h("section", { class: "stage" }, h("div", { class: "scene" }, this.canvas, this.still), h("div", { class: "shade" }),
      h("div", { class: "top" }, h("span", { class: "ai", t: "ai" }), h("span", { class: "gap" }), this.capButton, this.muteButton, this.onlyButton),
      this.foot);
    this.element.addEventListener("pointermove", (event) => this.look(event));
    this.element.addEventListener("pointerleave", () => { this.pointer = null; });
    this.show();
    new ResizeObserver(() => { this.fit(); this.place(); }).observe(this.element);
    requestAnimationFrame(() => this.frame());
  }

  /** Put a twin on the stage. @param {any} twin @param {string[]} channels */
  async use(twin, channels) {
    const same = this.twin?.id === twin.id;
    this.twin = twin;
    this.channels = channels;
    this.rename();
    if (same && (this.face || !this.still.hidden)) return;
    const base = faceOf(twin);
    pictureOf(twin, "background.webp").then(async (scene) => {
      if (this.twin !== twin) return;
      this.element.style.setProperty("--scene", `url("${scene}")`);
      const tint = await tintOf(scene);
      if (!tint || this.twin !== twin) return;
      document.documentElement.style.setProperty("--hue", String(tint.hue));
      document.documentElement.style.setProperty("--tint", String(Math.min(1, tint.chroma / 0.05)));
    });
    try {
      await this.wake(base, channels);
    } catch (error) {
      this.options.trouble(document.createElement("canvas").getContext("webgl2") ? "picture_damaged" : "picture_failed");
      console.warn("the face could not be shown:", error);
      this.face = null;
      this.canvas.hidden = true;
      this.still.hidden = false;
      this.still.src = await pictureOf(twin, "portrait.webp");
    }
    this.element.dataset.ready = this.face ? "moving" : "still";
    this.place();
  }

  /** @param {string} base @param {string[]} channels */
  async wake(base, channels) {
    const [{ Face }, { Idle }] = await Promise.all([import("./face.js"), import("./idle.js")]);
    this.face ??= new Face(this.canvas);
    this.idle = new Idle(channels);
    this.weights = new Float32Array(channels.length);
    await this.face.load(base, fetchOwn);
    this.fit();
    this.canvas.hidden = false;
    this.still.hidden = true;
  }

  /** The person fills the stage's width, so that no edge of the portrait shows; the eyes stand where a photographer would have them. */
  fit() {
    const { face } = this;
    face?.resize();
    if (!face?.rig) return;
    const { fit, rig, canvas } = face, [w, h] = rig.size, { left, right } = rig.iris;
    if (this.quality < 1) {
      fit.ratio *= this.quality;
      canvas.width = Math.round(fit.width * fit.ratio);
      canvas.height = Math.round(fit.height * fit.ratio);
    }
    const scale = Math.min(Math.max(fit.scale, fit.width / w), fit.scale * CLOSEST);
    const eyes = (left[1] + right[1]) / 2, middle = (left[0] + right[0]) / 2;
    const x = Math.min(0, Math.max(fit.width - w * scale, fit.width / 2 - middle * scale));
    Object.assign(fit, { scale, x: w * scale < fit.width ? (fit.width - w * scale) / 2 : x, y: Math.max(fit.height - h * scale, EYES * fit.height - eyes * scale) });
  }

  /** @param {PointerEvent} event */
  look(event) {
    const box = this.element.getBoundingClientRect();
    this.pointer = { x: ((event.clientX - box.left) / box.width) * 2 - 1, y: 1 - ((event.clientY - box.top) / box.height) * 2 };
  }

  frame() {
    requestAnimationFrame(() => this.frame());
    if (document.hidden || this.element.closest("[inert]")) return;           // nobody sees it: another tab, or the wizard above it
    this.frames++;
    if (this.face && this.idle) {
      this.measure(performance.now());
      this.idle.pose(performance.now() / 1000, STATES.indexOf(this.state) < 5 ? this.state : "idle", this.pointer, this.weights);
      this.player.weights(this.weights);
      this.face.set(this.weights, this.options.transparent ? "transparent" : "scene");
      this.face.draw();
      this.onframe();
    }
    if (this.captionsOn && this.captions.update(this.player)) { this.place(); this.captions.tighten(); }
    if (this.player.playing) this.element.style.setProperty("--loud", Math.min(1, this.player.energy() * 6).toFixed(3));
  }

  /** On a device that cannot keep up the picture gets coarser, so that it moves and the sound has its time. @param {number} now ms */
  measure(now) {
    const { pace } = this, gap = Math.min(400, now - pace.then);
    pace.then = now;
    pace.mean += (gap - pace.mean) * 0.1;
    if (++pace.frames < 12 || pace.mean < SLOW || this.quality <= COARSEST) return;
    pace.frames = 0;
    this.quality = Math.max(COARSEST, this.quality * 0.7);
    this.fit();
  }

  /** Captions stand below the chin, whatever the shape of the window. */
  place() {
    const mouth = this.face?.mouthBox?.();
    const height = this.element.clientHeight, chin = mouth?.height ? mouth.y + mouth.height + Math.max(10, 0.45 * mouth.width) : height * 0.66;
    const who = /** @type {HTMLElement} */ (this.foot.lastElementChild).offsetHeight;
    this.captions.room(Math.max(56, height - chin - who - 34));
  }

  /** While the user tells something long: I am with you. */
  nod() { this.idle?.nod(performance.now() / 1000); }

  /** @param {string} state @param {string} [note] @param {number} [place] in the queue of those who wait for their answer */
  setState(state, note = "", place = 0) {
    if (!STATES.includes(state)) return;
    this.state = state;
    this.element.dataset.state = state;
    if (place) say(this.stateWord, "in_queue", { state: word(state), place }); else say(this.stateWord, state);
    this.chip.title = note;
  }

  /** @param {boolean} on */
  setTap(on) {
    this.tapButton.hidden = !on;
    this.captions.element.hidden = on || !this.captionsOn;
  }

  rename() {
    if (!this.twin) return;
    this.name.textContent = own(this.twin.name);
    this.line.textContent = own(this.twin.tagline);
    this.canvas.removeAttribute("aria-hidden");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", word("portrait", { name: own(this.twin.name) }));
    this.still.alt = this.canvas.getAttribute("aria-label");
    this.element.setAttribute("aria-label", own(this.twin.name));
    say(this.tapWord, "tap", { name: shortName(this.twin) });
  }

  toggleCaptions(on = !this.captionsOn) { this.captionsOn = on; this.show(); this.options.does.captions(on); }

  toggleMute(on = !this.muted) { this.muted = on; this.show(); this.options.does.mute(on); }

  show() {
    this.capButton.setAttribute("aria-pressed", String(this.captionsOn));
    this.captions.element.hidden = !this.captionsOn;
    this.muteButton.setAttribute("aria-pressed", String(this.muted));
    this.muteButton.replaceChildren(icon(this.muted ? "mute" : "sound"));
    tip(this.muteButton, this.muted ? "unmute" : "mute");
  }

  /** @param {boolean} on */
  setOnly(on) {
    this.onlyButton.replaceChildren(icon(on ? "shrink" : "expand"));
    tip(this.onlyButton, on ? "back" : "only");
    this.options.only = on;
  }
}
