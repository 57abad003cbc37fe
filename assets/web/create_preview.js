/** The picture beside the steps: the twin as it comes to be. Photos are dropped on it, faces outlined and marks dragged on it. */
import { Marks } from "./create_marks.js";
import { FINGER, h, say } from "./dom.js";
import { word } from "./words.js";

const EYES = 0.4;                                       // where the middle of the face stands, from the top

export class Preview {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    this.picture = h("img", { class: "create-picture", alt: "", hidden: true, draggable: "false" });
    this.lent = h("img", { class: "create-lent", alt: "", hidden: true, draggable: "false" });
    this.haze = h("div", { class: "create-haze", "aria-hidden": "true" });
    this.outline = h("div", { class: "create-outline", hidden: true });
    this.marks = new Marks((points) => wizard.steps.face.moved(points));
    this.empty = h("button", { type: "button", class: "create-empty", onclick: () => wizard.steps.face.choose() }, head(),
      h("span", { class: "create-drop" }, h("b", { t: FINGER ? "face_tap" : "face_drop" }), h("span", { t: FINGER ? "face_tap_or" : "face_drop_or" })));
    this.name = h("h3");
    this.line = h("p");
    this.foot = h("div", { class: "create-name" }, h("div", {}, this.name, this.line));
    this.busyWord = h("span");
    this.bar = h("progress", { max: 1, value: 0, hidden: true, tip: "sending" });
    this.stop = h("button", { type: "button", class: "small", hidden: true, onclick: () => this.stopping?.abort() }, h("span", { t: "build_cancel" }));
    this.busy = h("div", { class: "create-busy", hidden: true }, h("i"), h("span", { role: "status" }, this.busyWord), this.bar, this.stop);
    this.element = h("div", { class: "create-stage" }, this.haze, this.picture, this.empty, this.lent, h("div", { class: "create-shade", "aria-hidden": "true" }), this.outline, this.marks.element, this.foot, this.busy);
    let inside = 0;
    this.element.addEventListener("dragenter", (event) => { event.preventDefault(); inside++; this.element.classList.add("over"); });
    this.element.addEventListener("dragleave", () => { if (--inside <= 0) { inside = 0; this.element.classList.remove("over"); } });
    this.element.addEventListener("drop", (event) => {
      event.preventDefault();
      inside = 0;
      this.element.classList.remove("over");
      const file = event.dataTransfer?.files[0];
      if (file && this.step === "face") wizard.steps.face.take(file);
    });
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  /** @param {string} name of a step */
  setStep(name) { this.step = name; this.show(); }

  /** What the draft has of it. */
  show() {
    const { photo, persona } = this.wizard.draft ?? {}, here = this.step === "face";
    this.empty.hidden = Boolean(photo);
    this.picture.hidden = !photo;
    this.element.classList.toggle("has", Boolean(photo));
    if (photo && this.picture.src !== photo.preview) {
      this.picture.src = photo.preview;
      this.haze.style.backgroundImage = `url("${photo.preview}")`;
    }
    if (!photo) { this.picture.removeAttribute("src"); this.haze.style.backgroundImage = ""; }
    this.foot.hidden = here || !photo;
    this.rename(persona ?? {});
    this.fit();
  }

  /** Show another picture in the place of the draft's for a while: a face that is being thought of. @param {string} url "" for none
   * @param {boolean} instead whether the draft's own stays away meanwhile */
  lend(url, instead) {
    this.lent.hidden = !url;
    if (url && this.lent.getAttribute("src") !== url) this.lent.src = url;
    this.element.classList.toggle("lent", instead);
  }

  /** @param {any} persona as typed */
  rename(persona) {
    this.name.textContent = persona.name || word("your_twin");
    this.line.textContent = persona.tagline || (persona.name ? "" : word("your_twin_line"));
  }

  /** The face in view: whole picture while it is looked at, closer afterwards. */
  fit() {
    const photo = this.wizard.draft?.photo, { clientWidth: w, clientHeight: hi } = this.element;
    if (!photo || !w) return;
    const [pw, ph] = photo.size, placing = this.wizard.steps?.face?.placing, box = this.box(photo);
    const whole = this.step === "face";
    let scale = whole ? Math.min(w / pw, hi / ph) : Math.max(w / pw, hi / ph);
    if (whole && box && !placing) scale = Math.max(scale, Math.min(Math.max(w / pw, hi / ph), 0.55 * Math.min(w, hi) / Math.max(box[2], box[3])));
    if (placing && box && this.wizard.steps.face.close) scale = Math.max(scale, 0.92 * Math.min(w / box[2], hi / box[3]));
    if (!whole && box) scale = Math.max(scale, 0.34 * hi / box[3]);
    let x = (w - pw * scale) / 2, y = (hi - ph * scale) / 2;
    if (box && pw * scale > w) x = Math.min(0, Math.max(w - pw * scale, w / 2 - (box[0] + box[2] / 2) * scale));
    if (box && ph * scale > hi) y = Math.min(0, Math.max(hi - ph * scale, EYES * hi - (box[1] + box[3] / 2) * scale));
    Object.assign(this.picture.style, { left: x + "px", top: y + "px", width: pw * scale + "px", height: ph * scale + "px" });
    this.view = { x, y, scale };
    this.outline.hidden = !whole || !box || placing;
    if (box) Object.assign(this.outline.style, { left: x + box[0] * scale + "px", top: y + box[1] * scale + "px", width: box[2] * scale + "px", height: box[3] * scale + "px" });
    this.marks.element.toggleAttribute("hidden", !placing);
    this.marks.names = this.wizard.given.marks ?? {};
    if (placing) this.marks.show(this.wizard.steps.face.points, this.view, photo.size);
  }

  /** The chosen face's box, or the one that the marks make. @param {any} photo @returns {number[] | null} */
  box(photo) {
    if (photo.placed || !photo.faces.length || this.wizard.steps?.face?.placing) {
      const points = Object.values(this.wizard.steps?.face?.points ?? photo.marks ?? {});
      if (!points.length) return null;
      const xs = points.map((p) => p[0]), ys = points.map((p) => p[1]), l = Math.min(...xs), t = Math.min(...ys), wide = Math.max(...xs) - l, high = Math.max(...ys) - t;
      return [l - 0.4 * wide, t - 0.7 * high, 1.8 * wide, 1.8 * high];
    }
    return photo.chosen === null || photo.chosen === undefined ? null : photo.faces[photo.chosen]?.box ?? null;
  }

  /** @param {string} key of words.js, "" when it is over */
  wait(key) {
    this.busy.hidden = !key;
    this.bar.hidden = this.stop.hidden = true;
    if (key) say(this.busyWord, key);
  }

  /** Send a file: a bar while it goes, then `key` while it is looked at; null when the person stopped it.
   * @template T @param {string} key @param {(how: {sent: (share: number) => void, signal: AbortSignal}) => Promise<T>} run @returns {Promise<T | null>} */
  async sending(key, run) {
    this.stopping?.abort();
    const stopping = (this.stopping = new AbortController());
    const sent = (/** @type {number} */ share) => {
      if (this.stopping !== stopping) return;
      this.bar.hidden = share >= 1;
      this.stop.hidden = share >= 1;                     // what has come is looked at to its end
      this.bar.value = share;
      say(this.busyWord, share < 1 ? "sending" : key, { percent: Math.floor(100 * share) });
    };
    this.wait(key);
    sent(0);
    this.element.classList.add("sending");
    try { return await run({ sent, signal: stopping.signal }); }
    catch (error) { if (error.name !== "AbortError") throw error; this.wizard.refresh(); return null; }
    finally { if (this.stopping === stopping) { this.stopping = null; this.wait(""); this.element.classList.remove("sending"); } }
  }
}

/** Where a face will be. */
function head() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 200 220");
  svg.setAttribute("class", "create-head");
  svg.setAttribute("aria-hidden", "true");
  for (const d of ["M100 22c34 0 52 24 52 60 0 40-24 72-52 72s-52-32-52-72c0-36 18-60 52-60z", "M20 214c6-38 34-54 58-60 8 10 36 10 44 0 24 6 52 22 58 60"]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

