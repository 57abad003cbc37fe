/** A training is begun here: what it learns from, which kind of model, how large, how long, and what that means on this machine. */
import { askJson } from "./api.js";
import { h, icon } from "./dom.js";
import { BUSY } from "./studio.js";
import { many } from "./studio_curve.js";
import { field } from "./studio_data.js";
import { word } from "./words.js";

const FAMILIES = ["vae", "gan", "diffusion"], SLOW = 0.4;               // pictures a second: less is of no use

export class Train {
  /** @param {import("./studio.js").Studio} studio @param {string} [set] the one to begin with */
  constructor(studio, set = "") {
    this.studio = studio;
    this.asked = { set, family: "vae", size: "small", px: 128, hours: 2, vae: "" };
    this.element = h("div", { class: "st-shelf" });
  }

  /** @param {any} told @param {boolean} [anew] */
  take(told, anew = false) {
    const sets = told.sets.filter((/** @type {any} */ one) => one.count > 0), key = JSON.stringify([sets.map((/** @type {any} */ one) => [one.name, one.title, one.size, Math.round(one.count / 50)]), told.made, told.shipped]);
    this.told = told;
    if (key === this.key && !anew) { this.note(); return; }
    this.key = key;
    this.sets = sets;
    this.draw();
  }

  get set() { return this.sets.find((/** @type {any} */ one) => one.name === this.asked.set); }

  draw() {
    const { asked, told } = this;
    if (!this.sets.length) {
      this.element.replaceChildren(h("section", { class: "st-section st-first" }, h("p", { t: "st_t_none" }), h("a", { class: "wide strong", href: "#studio/data" }, icon("photo"), h("span", { t: "st_t_make" }))));
      return;
    }
    if (!this.set) asked.set = this.sets.reduce((/** @type {any} */ most, /** @type {any} */ one) => (one.count > most.count ? one : most)).name;
    const tiles = (/** @type {string} */ name, /** @type {any[]} */ rows) => h("div", { class: "st-ways" }, ...rows.map(([value, title, about]) => h("label", { class: "choice st-way" }, h("input", { type: "radio", name: "st-" + name, value, checked: asked[name] === value, onchange: () => { asked[name] = value; this.fit(); } }), h("span", {}, h("b", {}, title), about && h("small", { class: "soft" }, about)))));
    const group = (/** @type {string} */ key, ...parts) => h("fieldset", { class: "st-group" }, h("legend", { t: key }), ...parts);
    this.px = h("div", { class: "segments", role: "radiogroup", "aria-label": word("st_px_of") }, ...told.machine.pixels.map((/** @type {number} */ px) => h("label", {}, h("input", { type: "radio", name: "st-px", value: px, checked: asked.px === px, onchange: () => { asked.px = px; this.fit(); } }), h("span", {}, String(px)))));
    this.hours = h("input", { class: "box", id: "st-hours", type: "number", min: 0.02, max: 2000, step: "any", value: asked.hours, inputmode: "decimal", oninput: () => { asked.hours = Number(this.hours.value); this.note(); } });
    this.title = h("input", { class: "box", id: "st-run-title", maxlength: 60, autocomplete: "off", value: this.title?.value ?? "" });
    this.vae = h("select", { class: "box", id: "st-vae", tip: "st_t_vae", onchange: () => { asked.vae = this.vae.value; this.fit(); } });
    this.vaes = group("st_t_vae", this.vae, (this.noVae = h("p", { class: "beside", t: "st_t_no_vae" })));
    this.go = h("button", { type: "submit", class: "wide strong" }, icon("play"), h("span", { t: "st_t_go" }));
    this.says = h("div", { class: "st-says", role: "status" });
    const machine = told.machine, disk = word("st_gb", { n: (machine.disk / 1e9).toFixed(machine.disk < 1e10 ? 1 : 0) });
    this.element.replaceChildren(h("form", { class: "st-form st-train", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.begin(); } },
      group("st_t_set", tiles("set", this.sets.map((/** @type {any} */ one) => [one.name, one.title, [word("kind_" + one.kind), word("st_faces", { n: many(one.count) }), word("st_px", { n: one.size })].join(" · ")]))),
      group("st_t_family", tiles("family", FAMILIES.map((name) => [name, word("fam_" + name), word(`fam_${name}_p`)]))), this.vaes,
      group("st_t_size", tiles("size", machine.sizes.map((/** @type {string} */ name) => [name, word("size_" + name), word(`size_${name}_p`)]))),
      h("div", { class: "st-fields" }, h("fieldset", { class: "st-group" }, h("legend", { class: "field-label", t: "st_px_of" }), this.px), field("st_t_hours", this.hours), field("st_title", this.title)),
      this.says, h("p", { class: "soft small-text", t: machine.gpus.length ? "st_t_gpu" : "st_t_cpu", args: { gpu: machine.gpus.join(", "), cores: machine.cores, threads: machine.threads, processor: machine.processor, disk } }), h("div", { class: "st-acts" }, this.go)));
    this.fit();
  }

  /** What does not go together can't be chosen. */
  fit() {
    const { asked, told, set } = this, fits = told.machine.pixels.filter((/** @type {number} */ px) => px <= (set?.size ?? 256));
    const vaes = [...told.shipped, ...told.made].filter((/** @type {any} */ one) => one.there && one.family === "vae" && !one.why && fits.includes(one.px));
    const needs = asked.family === "diffusion", latents = needs || asked.family === "gan" && vaes.length > 0;
    if (this.was !== asked.family && asked.family === "gan") asked.vae = told.machine.gpus.length || !vaes.length ? "" : asked.vae || `${vaes[0].where}:${vaes[0].name}`;
    this.was = asked.family;
    this.vaes.hidden = !latents;
    if (!latents) asked.vae = "";
    if (latents) {
      this.vae.replaceChildren(...(needs ? [] : [h("option", { value: "", t: "st_t_pixels" })]), ...vaes.map((one) => h("option", { value: `${one.where}:${one.name}` }, `${one.where === "shipped" ? word("fam_vae") : one.title} · ${word("st_px", { n: one.px })}`)));
      if (!vaes.some((one) => `${one.where}:${one.name}` === asked.vae)) asked.vae = needs && vaes.length ? `${vaes[0].where}:${vaes[0].name}` : "";
      this.vae.value = asked.vae;
      this.vae.hidden = !vaes.length;
      this.noVae.hidden = vaes.length > 0;
      const chosen = vaes.find((one) => `${one.where}:${one.name}` === asked.vae);
      if (chosen) asked.px = chosen.px;                  // an autoencoder's latents are of its own pictures
    }
    if (!asked.vae && !fits.includes(asked.px)) asked.px = fits.at(-1) ?? 32;
    for (const input of this.px.querySelectorAll("input")) { input.disabled = needs || Boolean(asked.vae) || !fits.includes(Number(input.value)); input.checked = Number(input.value) === asked.px; }
    this.note();
  }

  /** What it will come to. */
  note() {
    if (!this.says || !this.set) return;
    const { asked, told, set } = this, said = [], { pace } = told.machine, heavy = (asked.px / 128) ** 2;
    const each = pace ? pace[asked.family === "gan" && asked.vae ? "latents" : asked.family][asked.size] / heavy : 0, seen = each * asked.hours * 3600, learnt = Math.max(1, Math.round(set.count * 0.9));
    if (!pace) said.push(["", word("st_t_guess_gpu")]);
    else if (each < SLOW) said.push(["beside", word("st_t_slow")]);
    else said.push(["", word("st_t_guess", { pace: each >= 10 ? many(Math.round(each)) : each.toFixed(1), hours: asked.hours.toLocaleString(), seen: many(Math.round(seen)), n: many(learnt), times: many(Math.max(1, Math.round(seen / learnt))) })], ["soft", word("st_t_enough")]);
    if (set.count < 200) said.push(["beside", word("st_too_few")]);
    if (told.runs.some((/** @type {any} */ one) => BUSY.includes(one.state))) said.push(["", word("st_t_queue")]);
    const html = said.map(([kind, text]) => h("p", { class: kind }, text));
    if (this.says.textContent !== html.map((one) => one.textContent).join("")) this.says.replaceChildren(...html);
    this.go.disabled = asked.family === "diffusion" && !asked.vae || !(asked.hours > 0);
  }

  async begin() {
    const begun = await this.studio.tried(() => askJson("studio/runs", { json: { ...this.asked, title: this.title.value } }));
    if (!begun) return;
    await this.studio.look();
    this.studio.go(`/run/${begun.name}`);
  }
}
