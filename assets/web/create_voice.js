/** Step two: a voice. Twelve sentences read aloud, or a file, or a ready voice with its sliders; the draft learns while one goes on. */
import { ask, coded } from "./api.js";
import { Recorder } from "./create_recorder.js";
import { FINGER, h, icon, iconButton, say, tip } from "./dom.js";
import { holdHere, recallHere } from "./keep.js";
import { getLanguage, own, word } from "./words.js";

const QUIET = 0.004, LOUD = 0.985, SHORT = 0.8;         // RMS, peak, s
const LARGEST = 200 * 2 ** 20;                          // bytes of a file
const SLIDERS = { pitch: [-6, 6, 0.5, 0], warmth: [-1, 1, 0.1, 0], pace: [0.7, 1.4, 0.05, 1], age: [-1, 1, 0.1, 0] };
const ASK = 2000;                                       // ms between looks at the training
export const LEAST = 4;                                        // s of speech that are worth learning from

/** Ways on from a voice that could not be learned. @param {import("./create.js").Wizard} wizard @returns {HTMLElement} */
export function voiceWays(wizard) {
  const way = (/** @type {any} */ name, /** @type {string} */ key, /** @type {string} */ to) => h("button", { type: "button", class: "small", onclick: async () => { await wizard.go("voice"); wizard.steps.voice.turn(to); } }, icon(name), h("span", { t: key }));
  return h("div", { class: "row-buttons voice-ways", hidden: true }, way("mic", "read_again", "read"), way("box", "other_recording", "file"), way("sound", "way_ready", "ready"));
}

export class VoiceStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    this.way = "read";
    this.number = 0;
    this.language = getLanguage();
    this.recorder = new Recorder();
    /** @type {Map<number, string>} what was read here, to be heard again */
    this.heard = new Map();
    this.chosen = { voice: "", ...Object.fromEntries(Object.entries(SLIDERS).map(([name, [, , , middle]]) => [name, middle])) };
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.ways = h("div", { class: "segments ways", role: "radiogroup", "aria-label": word("voice_title") }, ...["read", "file", "ready"].map((way) =>
      h("label", {}, h("input", { type: "radio", name: "create-way", value: way, checked: way === this.way, onchange: () => this.turn(way) }), h("span", { t: "way_" + way }))));
    this.body = h("div", { class: "voice-way" });
    this.status = h("div", { class: "voice-status", role: "status" });
    this.failedWord = h("p");
    this.onward = voiceWays(wizard);
    this.failed = h("div", { class: "form-note bad", role: "alert", hidden: true }, this.failedWord, this.onward);
    this.element = h("div", {}, this.ways, this.trouble, this.failed, this.body, this.status);
    this.parts();
    this.recorder.onlevel = (level) => this.level(level);
    this.recorder.onfull = () => this.press();
    addEventListener("keydown", (event) => {
      if (event.code !== "Space" || event.repeat || this.wizard.step !== "voice" || !this.wizard.isOpen || this.way !== "read") return;
      if (/** @type {HTMLElement} */ (event.target).closest?.("button, input, textarea, select, dialog")) return;
      event.preventDefault();
      this.press();
    });
  }

  parts() {
    this.counter = h("span", { class: "read-number" });
    this.sentence = h("p", { class: "read-sentence", "aria-live": "polite" });
    this.button = h("button", { type: "button", class: "record", onclick: () => this.press() }, h("span", { class: "record-face" }, icon("mic"), icon("stop")));
    this.meter = h("div", { class: "meter", "aria-hidden": "true" }, ...Array.from({ length: 28 }, () => h("i")));
    this.hint = h("p", { class: "read-hint", role: "status" });
    this.remarks = h("ul", { class: "remarks" });
    this.play = iconButton("play", "read_play", () => this.listen(), { class: "round", hidden: true });
    this.before = iconButton("left", "read_previous", () => this.jump(this.number - 1));
    this.after = iconButton("right", "read_next", () => this.jump(this.number + 1));
    this.dots = h("div", { class: "read-dots", role: "group" });
    this.tongue = h("select", { "aria-label": word("read_language"), onchange: () => { this.language = this.tongue.value; this.draw(); } }, h("option", { value: "en" }, "English"), h("option", { value: "zh" }, "中文"));
    this.read = h("div", { class: "read" }, h("div", { class: "read-head" }, this.counter, this.tongue), this.sentence, h("div", { class: "read-controls" }, this.before, this.play, this.button, this.after), this.meter, this.hint, this.remarks, this.dots);
    this.input = h("input", { type: "file", accept: "audio/*,video/*", tip: "file_choose", hidden: true, onchange: () => { this.picked = this.input.files[0] ?? this.picked; this.input.value = ""; this.draw(); } });
    this.text = h("textarea", { rows: 3, class: "box", id: "create-file-text", oninput: () => holdHere("fileText", this.text.value) });
    this.text.value = recallHere("fileText");
    this.drop = h("button", { type: "button", class: "drop", onclick: () => this.input.click() });
    this.drop.addEventListener("dragover", (event) => { event.preventDefault(); this.drop.classList.add("over"); });
    this.drop.addEventListener("dragleave", () => this.drop.classList.remove("over"));
    this.drop.addEventListener("drop", (event) => { event.preventDefault(); this.drop.classList.remove("over"); this.picked = event.dataTransfer.files[0] ?? this.picked; this.draw(); });
    this.sendFile = h("button", { type: "button", class: "small strong", onclick: () => this.upload() }, h("span", { t: "file_send" }));
    this.clips = h("ul", { class: "clips" });
    this.fromFile = h("div", { class: "from-file" }, this.input, this.drop, h("label", { class: "field-label", for: "create-file-text", t: "file_text" }), this.text, h("div", { class: "row-buttons" }, this.sendFile), this.clips);
    this.voices = h("div", { class: "voices", role: "radiogroup", "aria-label": word("way_ready") });
    this.sliders = h("div", { class: "sliders" }, ...Object.entries(SLIDERS).map(([name, [low, high, step, middle]]) => h("label", {}, h("span", { t: name === "age" ? "age_voice" : name }),
      h("input", { type: "range", min: low, max: high, step, value: middle, "data-name": name, oninput: (event) => this.slide(name, Number(event.target.value)) }))));
    this.suits = h("p", { class: "invented-note", hidden: true }, icon("spark"), h("span", { t: "voice_suits" }));
    this.ready_ = h("div", { class: "ready" }, h("p", { class: "soft", t: "ready_lead" }), this.suits, this.voices, this.sliders);
    this.hearButton = h("button", { type: "button", class: "small", onclick: () => this.hear() }, icon("sound"), h("span", { t: "hear_voice" }));
    this.trained = h("span");
  }

  ready() { return true; }

  enter() { this.draw(); this.watch(); }

  /** A sentence that is being read when somebody goes on is kept too. */
  async leave() {
    const sent = this.recorder.on ? this.press() : null;
    this.recorder.close();
    clearTimeout(this.timer);
    this.audio?.pause();
    this.flush();
    await sent;
    return true;
  }

  /** The sliders as they stand. */
  flush() { if (this.sliding) { clearTimeout(this.slider); this.sliding = false; ask("draft/ready", { json: { ...this.chosen, voice: this.chosen.voice || null }, keepalive: true }).catch(() => {}); } }

  forget() {
    clearTimeout(this.slider);
    this.recorder.close();
    this.audio?.pause();
    for (const url of this.heard.values()) URL.revokeObjectURL(url);
    this.heard.clear();
    holdHere("fileText", "");
    this.picked = null;
    this.seen = this.sliding = false;
    this.number = 0;
    this.text.value = "";
    this.chosen = { voice: "", ...Object.fromEntries(Object.entries(SLIDERS).map(([name, [, , , middle]]) => [name, middle])) };
    this.tell();
  }

  rename() {
    for (const [element, key] of [[this.ways, "voice_title"], [this.tongue, "read_language"], [this.voices, "way_ready"]]) element.setAttribute("aria-label", word(key));
    this.draw();
  }

  /** @param {any} draft */
  show(draft) {
    const { ready } = draft.voice;
    if (ready && !this.sliding) Object.assign(this.chosen, ready);
    if (!this.seen && (ready || draft.voice.clips.length)) {       // where a reload goes on
      this.seen = true;
      this.way = ready ? "ready" : draft.voice.clips.some((/** @type {any} */ clip) => clip.k === "file" || String(clip.k).startsWith("file")) ? "file" : "read";
      this.number = Math.max(0, this.sentences.findIndex((_, n) => !this.clip(n)));
      for (const radio of this.ways.querySelectorAll("input")) radio.checked = radio.value === this.way;
    }
    this.draw();
  }

  get sentences() { return this.wizard.given.sentences[this.language] ?? []; }

  /** @param {number} n @returns {any} what the draft has of a sentence */
  clip(n) { return this.wizard.draft?.voice.clips.find((/** @type {any} */ clip) => String(clip.k) === String(n) && (clip.language ?? this.language) === this.language); }

  /** @param {string} way */
  turn(way) {
    this.tell();
    this.leave();
    this.way = way;
    for (const radio of this.ways.querySelectorAll("input")) radio.checked = radio.value === way;
    this.draw();
    this.watch();
  }

  draw() {
    const { draft } = this.wizard;
    if (!draft) return;
    this.ways.querySelector("[value=ready]").parentElement.hidden = !this.wizard.given.voices?.length;
    this.ways.querySelector("[value=read]").parentElement.hidden = !this.sentences.length && this.way !== "read";
    this.body.replaceChildren({ read: this.read, file: this.fromFile, ready: this.ready_ }[this.way]);
    this[{ read: "drawRead", file: "drawFile", ready: "drawReady" }[this.way]](draft);
    const { clips, seconds, training, ready } = draft.voice, parts = [];
    const failed = Boolean(training?.failed && !ready?.voice);
    this.failed.hidden = this.onward.hidden = !failed;
    if (failed && this.failedWord.textContent !== own(training.note)) this.failedWord.textContent = own(training.note);
    if (clips.length && !ready) {
      const done = training?.done ?? 0, note = done < 1 && training ? own(training.note) : "";
      if (!failed) parts.push(h("span", { class: "badge" }, done < 1 && training ? h("i", { class: "ring", style: `--done:${done}` }) : icon(training ? "check" : "ear"),
        h("span", {}, training ? (done < 1 ? word("training", { percent: Math.round(done * 100) }) : word("trained")) : word(seconds < LEAST ? "read_more" : "read_whole", { n: clips.length, count: this.sentences.length, s: Math.round(seconds) }), note && h("small", {}, note))));
    } else if (!ready && !clips.length) parts.push(h("span", { class: "soft", t: "voice_default" }));
    if (clips.length || ready) parts.push(this.hearButton);
    this.status.replaceChildren(...parts);
  }

  /** @param {any} draft */
  drawRead(draft) {
    const { sentences } = this, count = sentences.length;
    this.tongue.value = this.language;
    this.number = Math.min(Math.max(0, this.number), Math.max(0, count - 1));
    const clip = this.clip(this.number), done = sentences.filter((_, n) => this.clip(n)).length;
    this.counter.textContent = word("read_number", { n: this.number + 1, count });
    if (this.sentence.textContent !== sentences[this.number]) this.sentence.textContent = sentences[this.number] ?? "";
    this.before.disabled = this.number === 0 || this.recorder.on;
    this.after.disabled = this.number >= count - 1 || this.recorder.on;
    this.play.hidden = !this.heard.has(this.number);
    tip(this.button, this.recorder.on ? "read_stop" : clip ? "read_again" : "read_start");
    this.button.classList.toggle("again", Boolean(clip) && !this.recorder.on);
    say(this.hint, this.sending ? "read_sending" : this.recorder.on ? "read_on" : done ? "read_whole" : FINGER ? "read_hint_touch" : "read_hint", { n: done, count, s: Math.round(draft.voice.seconds) });
    this.remarks.replaceChildren(...(clip?.report ?? []).map((/** @type {any} */ remark) => h("li", { class: remark.level }, icon(remark.level === "good" ? "check" : "ear"), h("span", {}, own(remark)))));
    this.dots.setAttribute("aria-label", word("read_whole", { n: done, count, s: Math.round(draft.voice.seconds) }));
    this.dots.replaceChildren(...sentences.map((_, n) => {
      const one = this.clip(n), worst = one?.report?.some((/** @type {any} */ r) => r.level === "bad") ? "bad" : one?.report?.some((/** @type {any} */ r) => r.level === "warn") ? "warn" : "good";
      return h("button", { type: "button", class: one ? "done " + worst : "", "aria-current": n === this.number ? "step" : null, "aria-label": word("read_number", { n: n + 1, count }), onclick: () => this.jump(n) });
    }));
  }

  /** @param {any} draft */
  drawFile(draft) {
    this.drop.replaceChildren(icon("sound"), h("b", {}, this.picked?.name ?? word(FINGER ? "file_choose" : "file_drop")), h("small", {}, this.picked ? (this.picked.size / 1e6).toFixed(1) + " MB" : word("file_hint")));
    this.sendFile.hidden = !this.picked;
    this.sendFile.disabled = Boolean(this.sending);
    const clips = draft.voice.clips.filter((/** @type {any} */ clip) => !/^\d+$/.test(String(clip.k)) || Number(clip.k) >= this.sentences.length);
    this.clips.replaceChildren(...clips.map((/** @type {any} */ clip) => h("li", {}, h("b", {}, word("file_clip")), h("span", { class: "soft" }, `${Math.round(clip.seconds)} s`),
      iconButton("trash", "remove", () => this.drop_(clip.k), { class: "round tiny" }), h("ul", { class: "remarks" }, ...clip.report.filter((/** @type {any} */ r) => r.level !== "good").map((/** @type {any} */ remark) => h("li", { class: remark.level }, icon(remark.level === "good" ? "check" : "ear"), h("span", {}, own(remark))))))));
  }

  /** @param {any} draft */
  drawReady(draft) {
    const list = this.wizard.given.voices ?? [], chosen = draft.voice.ready?.voice ?? "", focused = document.activeElement?.closest?.(".voices");
    this.voices.replaceChildren(...list.map((voice, n) => h("button", { type: "button", role: "radio", "aria-checked": String(voice.name === chosen), tabindex: voice.name === chosen || (!chosen && n === 0) ? 0 : -1,
      onclick: () => this.pick(voice.name) }, h("span", { class: "voice-dot", style: `--n:${n}` }, icon("sound")), h("span", {}, own(voice.label)))));
    if (focused) this.voices.querySelector("[aria-checked=true]")?.focus();
    this.sliders.hidden = !chosen;
    this.suits.hidden = !chosen || draft.invented?.voice !== chosen;
    for (const slider of this.sliders.querySelectorAll("input")) if (slider !== document.activeElement) slider.value = this.chosen[slider.dataset.name];
  }

  /** @param {number} n */
  jump(n) { if (!this.recorder.on && n >= 0 && n < this.sentences.length) { this.number = n; this.tell(); this.draw(); } }

  /** The button: begin, or be done. */
  async press() {
    if (this.sending) return;
    this.tell();
    if (!this.recorder.on) {
      this.audio?.pause();
      try { await this.recorder.start(); } catch (error) { this.tell({ message: word(error.key), hint: word(error.key + "_hint") }); return; }
      this.button.classList.add("on");
      this.draw();
      return;
    }
    const { blob, seconds, peak, loud } = this.recorder.stop(), n = this.number;
    this.button.classList.remove("on");
    this.level(0);
    if (seconds < SHORT) { this.draw(); this.tell({ message: word("read_short") }); return; }
    if (loud < QUIET) { this.draw(); this.tell({ message: word("read_quiet") }); return; }
    this.heard.set(n, URL.createObjectURL(blob));
    this.sending = true;
    this.draw();
    try {
      await this.upload_(blob, String(n), this.sentences[n], "audio/wav", { sent: (/** @type {number} */ share) => say(this.hint, share < 1 ? "sending" : "read_sending", { percent: Math.floor(100 * share) }) });
      if (peak >= LOUD) this.tell({ message: word("read_loud") });
      const bad = this.clip(n)?.report?.some((/** @type {any} */ r) => r.level === "bad"), next = this.sentences.findIndex((_, k) => k > n && !this.clip(k));
      if (!bad && next > 0) this.number = next;
    } catch (error) { this.tell(error); } finally { this.sending = false; this.draw(); this.watch(); }
  }

  /** @param {Blob} blob @param {string} k @param {string} text @param {string} type @param {object} [how] */
  upload_(blob, k, text, type, how) {
    return this.wizard.send("/voice", { ...how, body: blob, headers: { "Content-Type": type, "X-Twin-Sentence": k, "X-Twin-Recording-Language": this.language, ...(text ? { "X-Twin-Text": coded(text) } : {}) } });
  }

  async upload() {
    if (!this.picked || this.sending) return;
    this.tell();
    if (this.picked.size > LARGEST) { this.tell({ message: word("file_hint") }); return; }
    this.sending = true;
    this.draw();
    try {
      const sent = await this.wizard.preview.sending("file_sending", (how) => this.upload_(this.picked, "file", this.text.value.trim(), this.picked.type || "application/octet-stream", how));
      if (sent) this.picked = null;
    } catch (error) { this.tell(error); } finally { this.sending = false; this.draw(); this.watch(); }
  }

  /** @param {string} k */
  drop_(k) { this.wizard.send("/voice/" + coded(String(k)), { method: "DELETE" }).catch((error) => this.tell(error)); }

  /** @param {string} voice */
  async pick(voice) {
    this.chosen.voice = this.wizard.draft.voice.ready?.voice === voice ? "" : voice;       // a second tap takes it back
    await this.sendReady();
    if (this.chosen.voice) this.hear();
  }

  /** @param {string} name @param {number} value */
  slide(name, value) {
    this.chosen[name] = value;
    this.sliding = true;
    clearTimeout(this.slider);
    this.slider = setTimeout(() => { this.sliding = false; this.sendReady(); }, 350);
  }

  async sendReady() {
    this.tell();
    try { await this.wizard.send("/ready", { json: { ...this.chosen, voice: this.chosen.voice || null } }); } catch (error) { this.tell(error); }
  }

  async hear() {
    this.tell();
    this.hearButton.disabled = true;
    say(/** @type {HTMLElement} */ (this.hearButton.lastElementChild), "hearing_it");
    try {
      const blob = await (await ask("draft/hear", { json: { text: word("hear_text") } })).blob();
      this.sound(URL.createObjectURL(blob));
    } catch (error) { this.tell(error); } finally { this.hearButton.disabled = false; say(/** @type {HTMLElement} */ (this.hearButton.lastElementChild), "hear_voice"); }
  }

  listen() { this.sound(this.heard.get(this.number)); }

  /** @param {string} [url] */
  sound(url) {
    this.audio?.pause();
    if (url) { this.audio = new Audio(url); this.audio.play().catch(() => {}); }
  }

  /** While the draft learns, look how far it is. */
  watch() {
    clearTimeout(this.timer);
    const training = this.wizard.draft?.voice.training;
    if (!training || training.done >= 1 || training.failed || this.wizard.step !== "voice") return;
    this.timer = setTimeout(async () => {
      if (!this.recorder.on && !this.sending) {
        try { const { draft } = await (await ask("draft")).json(); if (!this.sending && this.wizard.step === "voice" && draft?.voice) { this.wizard.draft.voice.training = draft.voice.training; this.draw(); } } catch { /* the next look */ }
      }
      this.watch();
    }, ASK);
  }

  /** @param {number} level RMS */
  level(level) {
    const lit = this.recorder.on ? Math.round(28 * Math.min(1, Math.max(0, (20 * Math.log10(level + 1e-5) + 55) / 50))) : 0;
    if (lit === this.lit) return;
    this.lit = lit;
    [...this.meter.children].forEach((bar, i) => bar.classList.toggle("lit", i < lit));
    this.button.style.setProperty("--level", (lit / 28).toFixed(2));
  }

  /** @param {{message: string, hint?: string}} [error] */
  tell(error) {
    this.trouble.hidden = !error;
    this.trouble.textContent = error ? `${error.message} ${error.hint && !error.hint.endsWith("_hint") ? error.hint : ""}`.trim() : "";
  }
}
