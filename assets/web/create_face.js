/** Step one: a photo from a file, the clipboard, a drop or the camera, or a face that is invented (create_invent.js); which face of it; marks by hand where
 * none was found. */
import { takePhoto } from "./create_camera.js";
import { Invent } from "./create_invent.js";
import { h, icon, say } from "./dom.js";
import { own, word } from "./words.js";

const LARGEST = 25 * 2 ** 20;                           // bytes the server takes

export class FaceStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    this.placing = false;
    this.close = false;                                 // the marks are looked at from near
    /** @type {Record<string, number[]>} */
    this.points = {};
    this.file = h("input", { type: "file", accept: "image/*", tip: "face_file", hidden: true, onchange: () => { const [file] = this.file.files; this.file.value = ""; if (file) this.take(file); } });
    this.bundle = h("input", { type: "file", accept: ".twin,application/zip", tip: "face_bundle", hidden: true, onchange: () => { const [file] = this.bundle.files; this.bundle.value = ""; if (file) this.open(file); } });
    this.body = h("div", { class: "create-choices" });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.element = h("div", {}, this.file, this.bundle, this.trouble, this.body);
    this.inventing = false;                             // the panel stands in the place of everything else
    this.invent = new Invent(wizard, { changed: () => this.wizard.reach() });
    this.backButton = h("button", { type: "button", class: "wide", hidden: true, onclick: () => this.imagine(false) }, h("span", { t: "create_back" }));
  }

  /** Open the panel in which faces are invented, or close it. @param {boolean} on */
  imagine(on) {
    this.tell();
    this.inventing = on;
    if (on) this.invent.open();
    else { this.invent.stop(); this.wizard.preview.lend("", false); }
    this.show(this.wizard.draft);
    this.wizard.reach();
    this.element.closest(".create-body")?.scrollTo(0, 0);
    if (on && matchMedia("(hover: hover)").matches) this.invent.field.focus();
  }

  /** What the way on does: with the panel open the chosen face is taken first. */
  async proceed() {
    if (!this.inventing) { await this.wizard.move(1); return; }
    const { face } = this.invent;
    if (!face || this.taking) return;
    this.taking = true;
    this.invent.stop();
    this.invent.tell();
    this.wizard.preview.wait("invent_taking");
    try {
      const sent = this.wizard.send("/invent/use", { json: { recipe: face.recipe, engine: face.engine } });
      this.wizard.reach();
      this.wizard.steps.character.form.fill((await sent).persona);          // its age goes into the form
      this.imagine(false);
    } catch (error) { this.invent.tell(error); }
    finally { this.taking = false; this.wizard.preview.wait(""); this.wizard.reach(); }
  }

  leave() { if (this.inventing) this.invent.stop(); return true; }

  enter() { if (this.inventing) this.invent.open(); else this.frame(); }

  forget() { this.inventing = false; this.invent.forget(); this.wizard.preview.lend("", false); }

  /** The panel's head and foot say what is going on in it. */
  frame() {
    const panel = this.element.closest(".create-panel");
    if (!panel) return;
    say(panel.querySelector("header h2"), this.inventing ? "invent_title" : "face_title");
    say(panel.querySelector("header .lead"), this.inventing ? "invent_lead" : "face_lead");
    say(this.nextButton.firstElementChild, this.inventing ? "invent_use" : "create_next");
    this.backButton.hidden = !this.inventing;
    panel.classList.toggle("inventing", this.inventing);
    this.wizard.element.classList.toggle("inventing", this.inventing);
  }

  choose() { this.file.click(); }

  ready() { if (this.inventing) return Boolean(this.invent.face) && !this.taking; const photo = this.wizard.draft?.photo; return Boolean(photo && !this.placing && (photo.placed || (photo.chosen !== null && photo.chosen !== undefined))); }

  rename() { this.drawn = ""; this.invent.rename(); this.show(this.wizard.draft); }

  /** @param {any} draft */
  show(draft) {
    const photo = draft.photo;
    this.frame();
    if (this.inventing) { if (this.invent.element.parentElement !== this.body) this.body.replaceChildren(this.invent.element); return; }
    if (!photo) { this.placing = false; this.seen = ""; this.body.replaceChildren(...this.sources()); return; }
    if (this.seen !== photo.preview) {                  // another picture
      this.seen = photo.preview;
      this.placing = !photo.faces.length && !photo.placed;
      this.close = false;
      this.points = structuredClone(photo.marks ?? {});
    }
    this.body.replaceChildren(...(this.placing ? this.placement(photo) : this.seenFace(photo)));
    this.wizard.preview.fit();
  }

  sources() {
    const source = (/** @type {any} */ name, /** @type {string} */ key, /** @type {() => void} */ run, main = false) => h("button", { type: "button", class: main ? "source main" : "source", onclick: run },
      icon(name), h("span", {}, h("b", { t: key }), h("small", { t: key + "_hint" })));
    const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    const imagined = source("spark", "face_invent", () => this.imagine(true));
    imagined.classList.add("imagined");
    return [h("div", { class: "sources" }, source("photo", "face_file", () => this.choose(), true), imagined, source("camera", "face_camera", () => this.shoot()),
      source("paste", "face_paste", () => this.paste()), source("box", "face_bundle", () => this.bundle.click())),
    h("p", { class: "fine" }, icon("lock"), h("span", {}, word("face_private", { host: word(here ? "this_machine" : "that_machine") })))];
  }

  /** @param {any} photo */
  seenFace(photo) {
    const bad = photo.report.some((/** @type {any} */ r) => r.level === "bad"), warn = photo.report.some((/** @type {any} */ r) => r.level === "warn");
    const parts = [], { invented } = this.wizard.draft;
    if (invented) parts.push(h("p", { class: "invented-note" }, icon("spark"), h("span", {}, word("invent_made", { engine: own(invented.label), seed: invented.seed ?? "" }))));
    if (photo.faces.length > 1) {
      const group = h("div", { class: "faces", role: "radiogroup", "aria-label": word("face_several") });
      photo.faces.forEach((/** @type {any} */ face, /** @type {number} */ k) => {
        const on = !photo.placed && k === photo.chosen;
        group.append(h("button", { type: "button", role: "radio", "aria-checked": String(on), tabindex: on || (photo.chosen === null && k === 0) ? 0 : -1, "aria-label": word("face_number", { n: k + 1 }),
          style: `background-image:url("${face.thumb}")`, onclick: () => this.pick({ face: k }) }));
      });
      group.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key], all = [...group.children];
        if (step) { event.preventDefault(); /** @type {HTMLElement} */ (all[(all.indexOf(document.activeElement) + step + all.length) % all.length]).focus(); }
      });
      parts.push(h("h3", { t: "face_several" }), group);
    }
    if (photo.placed || photo.chosen !== null) {
      const line = (/** @type {any} */ remark) => h("li", { class: remark.level }, icon(remark.level === "good" ? "check" : "light"), h("span", {}, own(remark)));
      const fine = photo.report.filter((/** @type {any} */ r) => r.level === "good"), advice = photo.report.filter((/** @type {any} */ r) => r.level !== "good");
      advice.sort((/** @type {any} */ a, /** @type {any} */ b) => Number(b.level === "bad") - Number(a.level === "bad"));
      parts.push(h("h3", { t: bad ? "face_poor" : warn ? "face_fair" : "face_good" }), advice.length > 0 && h("ul", { class: "remarks" }, ...advice.map(line)),
        fine.length > 0 && h("details", { class: "fine-list", open: !advice.length }, h("summary", {}, icon("check"), h("span", {}, word("face_fine", { n: fine.length }))), h("ul", { class: "remarks" }, ...fine.map(line))));
    }
    parts.push(h("div", { class: "row-buttons" }, h("button", { type: "button", class: "small", onclick: () => this.choose() }, h("span", { t: "face_other" })),
      h("button", { type: "button", class: "small", onclick: () => this.shoot() }, h("span", { t: "face_camera" })),
      h("button", { type: "button", class: "small", onclick: () => this.imagine(true) }, h("span", { t: invented ? "invent_another" : "face_invent" })),
      h("button", { type: "button", class: "small", onclick: () => this.place() }, h("span", { t: photo.placed ? "marks_again" : "face_by_hand" }))));
    return parts.filter(Boolean);
  }

  /** @param {any} photo */
  placement(photo) {
    return [h("h3", { t: photo.faces.length ? "marks_title" : "face_none" }), photo.faces.length ? h("p", { t: "marks_text" }) : h("p", { t: "face_none_text" }), !photo.faces.length && h("p", { class: "soft", t: "marks_text" }),
      h("div", { class: "row-buttons" }, h("button", { type: "button", class: "small strong", onclick: () => this.pick({ points: this.points }) }, h("span", { t: "marks_done" })),
        h("button", { type: "button", class: "small", onclick: () => this.wizard.preview.marks.grow(1.08) }, icon("plus"), h("span", { t: "marks_larger" })),
        h("button", { type: "button", class: "small", onclick: () => this.wizard.preview.marks.grow(1 / 1.08) }, icon("minus"), h("span", { t: "marks_smaller" })),
        h("button", { type: "button", class: "small", "aria-pressed": String(this.close), onclick: () => { this.close = !this.close; this.wizard.preview.fit(); this.show(this.wizard.draft); } }, h("span", { t: this.close ? "marks_whole" : "marks_close" })),
        h("button", { type: "button", class: "small", onclick: () => { this.points = structuredClone(photo.marks ?? {}); this.wizard.preview.fit(); } }, h("span", { t: "marks_reset" })),
        photo.faces.length > 0 && h("button", { type: "button", class: "small", onclick: () => this.found(photo) }, h("span", { t: "marks_found" })),
        h("button", { type: "button", class: "small", onclick: () => this.choose() }, h("span", { t: "face_other" })))].filter(Boolean);
  }

  /** Back to the face that was found by itself. @param {any} photo */
  found(photo) {
    if (photo.placed) { this.pick({ face: 0 }); return; }
    this.placing = false;
    this.show(this.wizard.draft);
    this.wizard.reach();
  }

  /** The person wants to put the marks. */
  place() {
    const { photo } = this.wizard.draft, box = this.wizard.preview.box(photo);
    if (!Object.keys(this.points).length && photo.marks) this.points = structuredClone(photo.marks);
    if (!Object.keys(this.points).length && box) this.points = guess(box);
    this.placing = true;
    this.show(this.wizard.draft);
    this.wizard.reach();
  }

  /** @param {Record<string, number[]>} points */
  moved(points) { this.points = points; }

  /** @param {{face: number} | {points: Record<string, number[]>}} choice */
  async pick(choice) {
    this.tell();
    this.wizard.preview.wait("face_reading");
    const placing = this.placing;
    this.placing = false;
    try { await this.wizard.send("/face", { json: choice }); }
    catch (error) { this.placing = placing; this.tell(error); this.show(this.wizard.draft); }
    finally { this.wizard.preview.wait(""); }
  }

  /** A photo, wherever it came from. @param {Blob} file */
  async take(file) {
    if (this.inventing) this.imagine(false);
    if (/\.twin$/i.test(/** @type {File} */ (file).name ?? "")) { this.open(/** @type {File} */ (file)); return; }
    this.tell();
    if (file.size > LARGEST) { this.tell({ message: word("face_file_hint"), hint: "" }); return; }
    const { invented } = this.wizard.draft;
    try {
      const draft = await this.wizard.preview.sending("face_reading", (how) => this.wizard.send("/photo", { body: file, headers: { "Content-Type": file.type || "application/octet-stream" }, ...how }));
      if (draft && invented) this.wizard.steps.character.form.fill(draft.persona);           // ... and out again
    } catch (error) { this.tell(error); }
  }

  /** @param {ClipboardEvent} event */
  pasted(event) {
    const file = [...(event.clipboardData?.items ?? [])].find((item) => item.type.startsWith("image/"))?.getAsFile();
    if (file) { event.preventDefault(); this.take(file); }
  }

  async paste() {
    try {
      for (const item of await navigator.clipboard.read()) {
        const type = item.types.find((name) => name.startsWith("image/"));
        if (type) { await this.take(await item.getType(type)); return; }
      }
    } catch { /* NotAllowedError, or a browser without clipboard.read: the keys still work */ }
    this.tell({ message: word("no_picture"), hint: word("no_picture_hint") });
  }

  async shoot() {
    this.tell();
    try { const photo = await takePhoto(this.wizard.element); if (photo) await this.take(photo); }
    catch { this.tell({ message: word("camera_none"), hint: word("camera_none_hint") }); }
  }

  /** @param {File} file a .twin */
  async open(file) {
    this.tell();
    try { const twin = await this.wizard.preview.sending("face_opening", (how) => this.wizard.does.open(file, how)); if (twin) this.wizard.made(twin); } catch (error) { this.tell(error); }
  }

  /** @param {{message: string, hint?: string}} [error] */
  tell(error) {
    this.trouble.hidden = !error;
    this.trouble.textContent = error ? `${error.message} ${error.hint ?? ""}`.trim() : "";
  }
}

/** Where the marks of a face in a box probably are. @param {number[]} box */
function guess([x, y, w, h]) {
  const at = { left_eye: [0.3, 0.4], right_eye: [0.7, 0.4], nose: [0.5, 0.58], mouth_left: [0.34, 0.76], mouth_right: [0.66, 0.76], lip_top: [0.5, 0.72], lip_bottom: [0.5, 0.82], chin: [0.5, 1] };
  return Object.fromEntries(Object.entries(at).map(([name, [u, v]]) => [name, [x + u * w, y + v * h]]));
}
