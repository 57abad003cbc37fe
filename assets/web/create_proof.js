/** What can be checked of a yes: the voice's owner reads a fresh sentence aloud, and whoever is in the photo sits before the camera. Both may be
 * left out; the consent then says so. */
import { askJson } from "./api.js";
import { Recorder } from "./create_recorder.js";
import { h, icon, iconButton, say } from "./dom.js";
import { own, word } from "./words.js";

const SHORT = 3;                                        // s of a reading

export class Proof {
  /** @param {import("./create.js").Wizard} wizard @param {() => Promise<boolean>} before what is to be kept first */
  constructor(wizard, before) {
    this.wizard = wizard;
    this.before = before;
    this.recorder = new Recorder();
    this.recorder.onfull = () => this.press();
    this.recorder.onlevel = (level) => this.button.style.setProperty("--level", String(Math.min(1, level * 8)));
    this.voice = row("sound", "proof_voice");
    this.face = row("camera", "proof_face");
    this.sentence = h("p", { class: "read-sentence", "aria-live": "polite" });
    this.left = h("small", { class: "soft" });
    this.button = h("button", { type: "button", class: "wide strong", onclick: () => this.press() });
    say(this.button, "proof_record");
    this.reading = h("div", { class: "proof-reading", hidden: true }, h("p", { class: "soft small-text", t: "proof_read" }), this.sentence, h("div", { class: "row-buttons" }, this.button, this.left));
    this.voice.element.append(this.reading);
    this.voice.act.onclick = () => this.ask();
    this.face.act.onclick = () => this.look();
    this.element = h("fieldset", { class: "f proof" }, h("legend", { class: "field-label" }, h("span", { t: "proof_title" })), h("p", { class: "soft small-text", t: "proof_lead" }), this.voice.element, this.face.element);
  }

  /** @param {any} draft */
  show(draft) {
    const proof = draft.proof ?? {};
    this.voice.element.hidden = !proof.needed;
    this.face.element.hidden = !draft.photo || Boolean(draft.invented);
    this.element.hidden = !proof.needed && this.face.element.hidden;
    this.draw(this.voice, proof.voice, proof.why?.voice, proof.unable === "language" ? word("proof_language") : "");
    this.draw(this.face, proof.face, proof.why?.face, "");
    this.voice.act.hidden = Boolean(this.asked) || proof.voice?.state === "verified" || Boolean(proof.unable && proof.unable !== "language");
    this.face.act.hidden = proof.face?.state === "verified";
  }

  /** @param {ReturnType<typeof row>} part @param {any} result @param {any} why @param {string} note */
  draw(part, result, why, note) {
    const sure = result?.state === "verified";
    part.element.dataset.state = sure ? "good" : result ? "warn" : "";
    part.sign.replaceChildren(icon(sure ? "check" : part.name));
    part.state.textContent = sure ? word("proof_sure") : why ? own(why) : note || word("proof_none");
    say(part.act, result ? "proof_again" : part.name === "sound" ? "proof_do_voice" : "proof_do_face");
  }

  /** A fresh sentence. */
  async ask() {
    await this.before();
    this.tell(this.voice, "");
    try {
      this.asked = await askJson("draft/sentence", { method: "POST" });
    } catch (error) { this.tell(this.voice, error); return; }
    this.sentence.textContent = this.asked.text;
    this.reading.hidden = false;
    this.voice.act.hidden = true;
    say(this.button, "proof_record");
    this.until = Date.now() + this.asked.seconds * 1000;
    clearInterval(this.clock);
    this.clock = setInterval(() => this.tick(), 1000);
    this.tick();
    this.button.focus();
  }

  tick() {
    const left = Math.max(0, Math.round((this.until - Date.now()) / 1000));
    this.left.textContent = word("proof_left", { time: `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` });
    if (!left && !this.recorder.on) this.put();
  }

  /** Begin to record, or be done. */
  async press() {
    if (this.sending || !this.asked) return;
    if (!this.recorder.on) {
      try { await this.recorder.start(); } catch (error) { this.tell(this.voice, { message: word(error.key), hint: word(error.key + "_hint") }); return; }
      this.button.classList.add("on");
      say(this.button, "proof_done");
      return;
    }
    const { blob, seconds } = this.recorder.stop();
    this.button.classList.remove("on");
    if (seconds < SHORT) { say(this.button, "proof_record"); this.tell(this.voice, { message: word("proof_short") }); return; }
    this.sending = this.button.disabled = true;
    say(this.button, "proof_checking");
    try {
      const { draft } = await askJson("draft/reading", { body: blob, headers: { "Content-Type": "audio/wav", "X-Twin-Sentence": this.asked.id } });
      this.put();
      this.wizard.take(draft);
    } catch (error) { this.put(); this.tell(this.voice, error); } finally { this.sending = this.button.disabled = false; }
  }

  /** Away with the sentence: it serves once. */
  put() {
    clearInterval(this.clock);
    this.recorder.close();
    this.asked = null;
    this.reading.hidden = true;
    this.voice.act.hidden = false;
    this.button.classList.remove("on");
  }

  /** Two pictures of the camera, one straight and one turned to the side that the server names. */
  async look() {
    await this.before();
    this.tell(this.face, "");
    this.face.act.disabled = true;
    try {
      const turn = await askJson("draft/turn", { method: "POST" }), pictures = await takeTwo(this.wizard.element, turn.side);
      if (!pictures) return;
      say(this.face.state, "proof_checking");
      const [front, turned] = pictures;
      const { draft } = await askJson("draft/face-check", { body: new Blob([front, turned]), headers: { "Content-Type": "application/octet-stream", "X-Twin-Turn": turn.id, "X-Twin-First": String(front.size) } });
      this.wizard.take(draft);
    } catch (error) {
      this.tell(this.face, error.status === undefined ? { message: word("camera_none") } : error);
    } finally { this.face.act.disabled = false; }
  }

  /** @param {ReturnType<typeof row>} part @param {any} error "" for none */
  tell(part, error) {
    part.trouble.hidden = !error;
    part.trouble.textContent = error ? `${error.message} ${error.hint ?? ""}`.trim() : "";
  }

  close() { if (this.asked) this.put(); this.recorder.close(); }
}

/** One thing that can be shown. @param {any} name of an icon @param {string} key */
function row(name, key) {
  const sign = h("i", { class: "proof-sign", "aria-hidden": "true" }), state = h("small", { class: "soft", role: "status" }), trouble = h("p", { class: "beside", role: "alert", hidden: true });
  const act = h("button", { type: "button", class: "small" });
  return { name, sign, state, trouble, act, element: h("div", { class: "proof-row" }, h("div", { class: "proof-head" }, sign, h("span", {}, h("b", { t: key }), state), act), trouble) };
}

/** @param {HTMLElement} place @param {string} side "left" or "right", the person's own @returns {Promise<[Blob, Blob] | null>} Throws where there is no camera */
async function takeTwo(place, side) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } } });
  const video = h("video", { autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  return new Promise((resolve) => {
    /** @type {Blob[]} */ const taken = [];
    const told = h("p", { class: "proof-told", role: "status", t: "proof_straight" }), button = h("button", { type: "button", class: "wide strong", onclick: () => { snap(); } }, icon("camera"), h("span", { t: "camera_take" }));
    const dialog = h("dialog", { class: "sheet camera", "aria-labelledby": "create-proof" },
      h("header", {}, h("h2", { id: "create-proof", t: "proof_face" }), iconButton("close", "close", () => dialog.close(), { class: "round ghost" })),
      told, h("div", { class: "camera-view" }, video, h("i", { class: "camera-oval", "aria-hidden": "true" })), h("div", { class: "answers" }, button));
    const snap = async () => {
      if (!video.videoWidth || taken.length > 1) return;
      const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
      canvas.getContext("2d").drawImage(video, 0, 0);
      taken.push(await new Promise((done) => { canvas.toBlob(done, "image/jpeg", 0.92); }));
      if (taken.length > 1) dialog.close();
      else say(told, side === "left" ? "proof_left_side" : "proof_right_side");
    };
    dialog.addEventListener("close", () => { for (const track of stream.getTracks()) track.stop(); dialog.remove(); resolve(taken.length > 1 ? [taken[0], taken[1]] : null); });
    place.append(dialog);
    dialog.showModal();
  });
}
