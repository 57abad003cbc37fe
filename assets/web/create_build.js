/** Step five: what it will be made of, one bar that fills, and a way to stop it. */
import { askLines, coded } from "./api.js";
import { h, icon } from "./dom.js";
import { hand, isCatalogue } from "./goods.js";
import { LEAST, voiceWays } from "./create_voice.js";
import { own, word } from "./words.js";

const STEP_OF = { photo: "face", face: "face", name: "character", consent: "consent" };

export class BuildStep {
  /** @param {import("./create.js").Wizard} wizard */
  constructor(wizard) {
    this.wizard = wizard;
    this.busy = null;
    this.refused = false;                               // the voice could not be learned
    this.lead = h("p", { class: "lead" });
    this.list = h("ul", { class: "summary" });
    this.bar = h("progress", { max: 1, value: 0 });
    this.noteText = h("span");
    this.percent = h("b");
    this.progress = h("div", { class: "progress", hidden: true, role: "status" }, h("div", { class: "progress-head" }, this.noteText, this.percent), this.bar, h("button", { type: "button", class: "small", onclick: () => this.busy?.abort() }, h("span", { t: "build_cancel" })));
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.missing = h("div", { class: "missing", hidden: true });
    this.goButton = h("button", { type: "button", class: "wide strong", onclick: () => this.build() }, h("span", { t: "build_go" }));
    this.ways = voiceWays(wizard);
    this.element = h("div", {}, this.list, this.missing, this.progress, this.trouble, this.ways);
    this.rename();
  }

  rename() {
    const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    this.lead.textContent = word("build_lead", { host: word(here ? "this_machine" : "that_machine") });
  }

  enter() {
    this.trouble.hidden = true;
    this.refused = false;
    this.show(this.wizard.draft);
    const { clips, training, ready } = this.wizard.draft.voice;
    if (clips.length && !ready?.voice && (training?.done ?? 0) < 1) this.wizard.refresh();          // how far is it by now?
  }

  leave() { return !this.busy; }

  /** @param {any} draft */
  show(draft) {
    const { persona, voice, consent, photo, missing } = draft, rows = [];
    if (persona.name) rows.push(["person", persona.name, persona.tagline || (persona.facts?.length || persona.examples?.length ? word("sum_lines", { facts: persona.facts?.length ?? 0, examples: persona.examples?.length ?? 0 }) : persona.description?.slice(0, 90) || word("sum_more")), "character"]);
    const ready = voice.ready && this.wizard.given.voices.find((one) => one.name === voice.ready.voice);
    const { training } = voice, little = !ready && voice.clips.length > 0 && voice.seconds < LEAST, failed = Boolean(!ready && (little || training?.failed));
    const learning = little ? word("read_more", { s: Math.round(voice.seconds) }) : failed ? own(training.note) : !ready && voice.clips.length && training && training.done < 1 ? word("training", { percent: Math.round(100 * training.done) }) : "";
    this.ways.hidden = Boolean(this.busy) || !(failed || this.refused);
    rows.push(["sound", ready ? word("sum_voice_ready", { name: own(ready.label) }) : voice.clips.length ? word("sum_voice_own", { s: Math.round(voice.seconds) }) : word("sum_voice_none"), learning, "voice"]);
    if (draft.invented?.nobodys) rows.push(["spark", word("invent_sum"), word("invent_made", { engine: own(draft.invented.label), seed: draft.invented.seed ?? "" }), "face"]);
    else if (consent) rows.push(["check", word("sum_consent", { who: consent.who ?? "" }), (consent.for ?? []).map((/** @type {string} */ use) => word("for_" + use)).join(" · "), "consent"]);
    this.list.replaceChildren(...(photo ? rows : rows.slice(0)).map(([name, first, second, step]) => h("li", {}, h("button", { type: "button", onclick: () => !this.busy && this.wizard.go(step) }, icon(name), h("span", {}, h("b", {}, first), second && h("small", {}, second)), icon("edit")))));
    this.missing.hidden = !missing.length;
    this.missing.replaceChildren(h("span", { t: "build_missing" }), ...missing.map((/** @type {string} */ what) => h("button", { type: "button", class: "small", onclick: () => this.wizard.go(STEP_OF[what] ?? "face") }, h("span", { t: "miss_" + what }))));
    this.goButton.disabled = missing.length > 0 || little || Boolean(this.busy);
  }

  async build() {
    if (this.busy) return;
    const { wizard } = this;
    this.busy = new AbortController();
    this.trouble.hidden = this.ways.hidden = true;
    this.refused = false;
    this.set(true);
    this.tell(0, word("building", { name: wizard.draft.persona.name }));
    let twin = null;
    try {
      for await (const line of askLines("draft/build", { method: "POST", signal: this.busy.signal })) {
        if (line.twin) twin = line.twin;
        else this.tell(line.done ?? 0, own(line.note) || word("building", { name: wizard.draft.persona.name }));
      }
      if (twin) await this.learn(twin);
      if (twin) this.tell(1, word("building", { name: wizard.draft.persona.name }));
    } catch (error) {
      this.trouble.hidden = false;
      this.trouble.classList.toggle("calm", error.name === "AbortError");
      this.trouble.textContent = error.name === "AbortError" ? word("build_stopped") : `${error.message} ${error.hint ?? ""}`.trim();
      this.refused = error.code === "voice";
    }
    this.busy = null;
    this.set(false);
    if (twin) await wizard.made(twin);
    else this.show(wizard.draft);
  }

  /** The documents that waited for it; what cannot be read is told on the page behind, and the twin is there all the same. @param {any} twin */
  async learn(twin) {
    for (const file of this.wizard.documents ?? []) {
      try {
        if (isCatalogue(file)) {
          const { notes, left } = await hand(twin.id, file);
          if (notes.length) this.wizard.does.tell(file.name, notes.slice(0, 3).map(own).join(" ") + (notes.length + left > 3 ? " " + word("goods_left", { n: notes.length + left - 3 }) : ""));
          continue;
        }
        const headers = { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name) };
        for await (const line of askLines(`twins/${twin.id}/knowledge`, { body: file, headers, signal: this.busy?.signal })) this.tell(line.done ?? 1, `${file.name}: ${own(line.note) ?? ""}`);
      } catch (error) {
        if (error.name === "AbortError") break;
        this.wizard.does.tell(`${file.name}: ${error.message}`, error.hint ?? "");
      }
    }
    this.wizard.documents = [];
  }

  /** @param {boolean} on */
  set(on) {
    this.progress.hidden = !on;
    this.list.hidden = on;
    this.goButton.disabled = on;
    this.wizard.element.classList.toggle("building", on);
  }

  /** @param {number} done 0..1 @param {string} note */
  tell(done, note) {
    this.bar.value = done;
    this.percent.textContent = Math.round(100 * done) + " %";
    if (this.noteText.textContent !== note) this.noteText.textContent = note;
    this.wizard.preview.element.style.setProperty("--done", String(done));
  }
}
