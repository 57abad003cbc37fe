/** One training, one model, one data set, with all that is known of it. */
import { ask, askJson, askLines, hand } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { BUSY, chip, said, sheetOf, span } from "./studio.js";
import { Curve, many, nameOf, number } from "./studio_curve.js";
import { report } from "./studio_data.js";
import { own, word } from "./words.js";

const EACH = 1500;                                      // ms between looks at a training that goes on
const ORDER = ["fd_ratio", "fd_own", "fd_own_real", "kd_own", "precision", "recall", "density", "coverage", "diversity", "copies", "copies_real", "nearest_share", "attribute_accuracy", "rig_rate", "four_faces_s", "ms_each"];
const FIRST = { vae: "reconstruction", gan: "discriminator", diffusion: "loss" };

/** @param {string} title @param {any[]} chips @param {string} back */
const headed = (title, chips, back) => h("header", { class: "st-title" }, h("a", { class: "round", href: back, "aria-label": word("st_back"), title: word("st_back") }, icon("left")), h("div", {}, h("h1", { tabindex: -1 }, title), h("p", { class: "st-chips" }, ...chips)));

/** @param {string} text */
const fact = (text) => h("span", { class: "soft" }, text);

/** Figures as a table, each with what it means and what would be perfect. @param {[string, number][]} rows */
function figures(rows) {
  if (!rows.length) return h("p", { class: "soft st-empty", t: "st_no_figures" });
  return h("table", { class: "st-figures" }, h("thead", {}, h("tr", {}, ...["st_fig_name", "st_fig_now", "st_fig_what", "st_fig_best"].map((key) => h("th", { scope: "col", t: key })))),
    h("tbody", {}, ...rows.map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, nameOf(name)), h("td", { class: "n" }, number(value)), h("td", {}, has(name) ? word(`fig_${name}_p`) : ""), h("td", {}, has(name) ? word(`fig_${name}_b`) : "")))));
}

/** @param {string} name */
const has = (name) => word(`fig_${name}_p`) !== `fig_${name}_p`;

/** @param {Record<string, any>} told */
const settings = (told) => h("dl", { class: "st-settings" }, ...Object.entries(told).filter(([, value]) => ["string", "number"].includes(typeof value) && value !== "").flatMap(([key, value]) => [h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, typeof value === "number" ? number(value) : value)]));

/** @param {string} text */
function copyable(text) {
  const button = iconButton("copy", "st_copy", async () => {
    try { await navigator.clipboard.writeText(text); button.replaceChildren(icon("check")); setTimeout(() => button.replaceChildren(icon("copy")), 1500); } catch { getSelection()?.selectAllChildren(code); }
  }, { class: "round tiny" }), code = h("code", { tabindex: 0 }, text);
  return h("div", { class: "st-command" }, code, button);
}

/** @param {string} key @param {...any} parts */
const block = (key, ...parts) => h("section", { class: "st-block" }, h("h2", { t: key }), ...parts);

export class RunDetail {
  /** @param {import("./studio.js").Studio} studio @param {string} name */
  constructor(studio, name) {
    Object.assign(this, { studio, name, path: `studio/runs/${name}` });
    this.run = null;
    this.stamp = "";
    this.since = -1;
    this.head = h("div");
    this.bar = h("progress", { max: 1, value: 0, tip: "st_progress", hidden: true });
    this.line = h("p", { class: "st-line", role: "status" });
    this.acts = h("div", { class: "st-acts" });
    this.sheet = h("img", { class: "st-sheet", alt: "", hidden: true });
    this.sheetAt = h("output", { class: "soft" });
    this.slide = h("input", { type: "range", min: 0, max: 0, value: 0, step: 1, tip: "st_sheet_slide", oninput: () => { this.follow = this.slide.value === this.slide.max; this.showSheet(); } });
    this.noSheet = h("p", { class: "soft st-empty", t: "st_sheet_none" });
    this.sheetNote = h("p", { class: "soft small-text" });
    this.curve = new Curve();
    this.table = h("div");
    this.extra = h("div", { class: "st-extra" });
    this.more = h("div", { class: "st-more" });
    this.log = h("pre", { class: "st-log", tabindex: 0, "aria-label": word("st_log") });
    this.follow = true;                                 // the newest sheet is shown as it comes
    this.element = h("article", { class: "st-one" }, this.head, h("div", { class: "st-stand" }, this.bar, this.line, this.acts),
      h("div", { class: "st-two" }, h("section", { class: "st-block st-sheets" }, h("header", {}, h("h2", { t: "st_sheet" }), this.sheetAt), this.noSheet, this.sheet, this.slide, this.sheetNote), h("div", { class: "st-column" }, h("section", { class: "st-block" }, this.curve.element), block("st_figures", this.table))), this.extra, this.more, block("st_log", this.log));
    this.poll();
    this.visible = () => { if (!document.hidden) this.poll(); };
    document.addEventListener("visibilitychange", this.visible);
  }

  stop() {
    clearTimeout(this.timer);
    this.over = true;
    document.removeEventListener("visibilitychange", this.visible);
  }

  /** How it stands; only what is new of the log comes along. */
  async poll() {
    clearTimeout(this.timer);
    if (this.over || document.hidden) return;
    try {
      const told = await askJson(`${this.path}?since=${this.since < 0 ? "" : this.since}&stamp=${this.stamp}`);
      if (this.over) return;
      if (!told.same) this.told(told.run, told.stamp);
    } catch (error) {
      if (this.over) return;
      this.studio.tell(error);
      if (error.status === 404) return;
    }
    const busy = this.run && (BUSY.includes(this.run.state) || this.run.export.state === "running");
    this.timer = setTimeout(() => this.poll(), busy ? EACH : 3 * EACH);
  }

  /** @param {any} run @param {string} stamp */
  told(run, stamp) {
    const fresh = this.since < 0, last = run.rows.at(-1)?.[run.columns.indexOf("step")];
    const back = !fresh && run.step !== null && run.step < this.since - 0.5 && run.rows.length === 0;         // gone on with from an earlier checkpoint
    this.stamp = fresh || !run.rows.length ? stamp : "";
    if (back) { this.since = -1; this.stamp = ""; this.poll(); return; }
    this.run = run;
    this.curve.first = FIRST[run.family];
    if (fresh || run.rows.length) this.curve.set(run.columns, run.rows, !fresh);
    if (last !== undefined) this.since = last;
    this.draw();
  }

  rename() { if (this.run) { this.curve.set(this.curve.columns, this.curve.rows); this.draw(); } }

  draw() {
    const { run } = this, busy = BUSY.includes(run.state), focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
    this.head.replaceChildren(headed(run.title, [chip(run.state), fact([word("fam_" + run.family), word("size_" + run.size), word("st_px", { n: run.px })].join(" · "))], "#studio"));
    this.bar.hidden = !busy || run.share === null;
    this.bar.value = run.share ?? 0;
    this.line.textContent = said(run);
    this.line.classList.toggle("bad", Boolean(run.why));
    this.acts.replaceChildren(...this.buttons(busy).filter(Boolean));
    if (focused) /** @type {HTMLElement | null} */ (this.acts.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
    this.drawSheets();
    const rows = this.curve.rows.at(-1), now = (/** @type {string} */ name) => [...this.curve.rows].reverse().map((row) => row[this.curve.columns.indexOf(name)]).find((value) => value !== null && value !== undefined);
    const table = figures(rows ? this.curve.columns.filter((name) => !["step", "seconds", "pictures"].includes(name)).map((name) => /** @type {[string, number]} */ ([name, now(name)])).filter(([, value]) => value !== undefined) : []);
    this.table.replaceChildren(table);
    const key = `${run.nearest} ${run.drawn} ${run.step} ${document.documentElement.lang}`;
    if (key !== this.shown && !busy || !this.shown) {
      this.shown = key;
      this.extra.replaceChildren(...[run.drawn && block("st_now_drawn", this.studio.picture(`${this.path}/picture/drawn.png?at=${run.step}`, word("st_now_drawn"), { class: "st-sheet" })),
        run.nearest && block("st_nearest", h("p", { class: "soft small-text", t: "st_nearest_p" }), this.studio.picture(`${this.path}/picture/nearest.png?at=${run.step}`, word("st_nearest"), { class: "st-sheet" }))].filter(Boolean));
      const plan = { device: run.device, ...run.settings, ...run.plan, threads: run.threads, set: run.set };
      this.more.replaceChildren(h("details", { class: "st-block" }, h("summary", { t: "st_settings" }), settings(plan)), block("st_command", copyable(run.command)));
    }
    const end = this.log.scrollTop + this.log.clientHeight >= this.log.scrollHeight - 8;
    this.log.textContent = run.log.join("\n");
    if (end) this.log.scrollTop = this.log.scrollHeight;
  }

  /** @param {boolean} busy */
  buttons(busy) {
    const { run } = this, button = (/** @type {string} */ key, /** @type {any} */ name, /** @type {() => any} */ does, /** @type {string} */ kind = "") => h("button", { type: "button", class: "small " + kind, "data-key": key, onclick: does }, icon(name), h("span", { t: key }));
    if (busy) return [run.state !== "stopping" && button("st_stop", "stop", () => this.do("stop")), h("small", { class: "soft", t: run.state === "waiting" ? "st_wait_why" : "st_stop_note" })];
    const exporting = run.export.state === "running", kept = run.kept !== null;
    return [button(run.state === "ended" ? "st_more" : "st_go_on", "play", () => (run.state === "ended" ? this.longer() : this.do("go-on", {})), kept && run.state === "ended" ? "" : "strong"),
      kept && (exporting ? h("span", { class: "soft st-spin" }, h("i"), h("span", { t: "st_using" })) : button(run.model ? "st_use_again" : "st_use", "spark", () => this.do("use"), run.state === "ended" && !run.model ? "strong" : "")),
      run.model && !exporting && h("a", { class: "small strong", href: `#studio/model/made/${run.model}`, "data-key": "model" }, icon("right"), h("span", { t: "st_see_model" })), h("span", { class: "gap" }),
      !exporting && button("st_delete", "trash", () => this.studio.ask("st_delete_run", "st_delete_run_p", "st_delete", async () => { await askJson(this.path, { method: "DELETE" }); this.stop(); await this.studio.look(); this.studio.go(""); })),
      run.export.why && h("p", { class: "beside" }, own(run.export.why))];
  }

  /** @param {string} what @param {object} [json] */
  async do(what, json = {}) {
    await this.studio.tried(() => askJson(`${this.path}/${what}`, { json }));
    this.stamp = "";
    await this.poll();
    this.studio.look();
  }

  longer() {
    const field = h("input", { class: "box", id: "st-more", type: "number", min: 0.05, max: 2000, step: "any", value: 1, inputmode: "decimal" });
    this.studio.ask("st_more", "", "st_go_on", async () => { await askJson(`${this.path}/go-on`, { json: { hours: Number(field.value) } }); this.stamp = ""; await this.poll(); }, { bad: false, fields: [h("div", { class: "f" }, h("label", { class: "field-label", for: "st-more" }, h("span", { t: "st_more_h" })), field)] });
    field.focus();
  }

  drawSheets() {
    const { sheets, family } = this.run;
    this.noSheet.hidden = sheets.length > 0;
    this.sheet.hidden = !sheets.length;
    this.slide.hidden = sheets.length < 2;
    this.slide.max = String(Math.max(0, sheets.length - 1));
    if (this.follow) this.slide.value = this.slide.max;
    this.sheetNote.textContent = family === "vae" && sheets.length ? word("st_sheet_vae") : "";
    this.showSheet();
  }

  showSheet() {
    const step = this.run.sheets[Number(this.slide.value)];
    if (step === undefined) { this.sheetAt.textContent = ""; return; }
    this.sheetAt.textContent = word("st_sheet_at", { n: many(step) });
    this.slide.setAttribute("aria-valuetext", this.sheetAt.textContent);
    this.sheet.alt = `${word("st_sheet")}, ${this.sheetAt.textContent}`;
    this.studio.show(this.sheet, sheetOf(this.name, step));
  }
}

export class ModelDetail {
  /** @param {import("./studio.js").Studio} studio @param {string} where @param {string} name */
  constructor(studio, where, name) {
    Object.assign(this, { studio, where, name, path: `studio/models/${where}/${name}` });
    this.element = h("article", { class: "st-one" });
    this.load();
  }

  async load() {
    const told = await this.studio.tried(() => askJson(this.path));
    if (!told) return;
    const fresh = this.model?.measuring !== told.measuring;
    this.model = told;
    if (fresh) this.draw();
    if (told.measuring) this.later = setTimeout(() => this.element.isConnected && this.load(), 4000);
  }

  stop() {
    this.stopping?.abort();
    clearTimeout(this.later);
  }

  rename() { if (this.model) this.draw(); }

  draw() {
    const { model, studio, where } = this, at = encodeURIComponent(model.made), title = where === "shipped" ? word("fam_" + model.family) : model.title;
    const rows = Object.entries(model.figures).sort(([one], [two]) => (ORDER.indexOf(one) + 99) % 99 - (ORDER.indexOf(two) + 99) % 99);
    const curve = model.log.rows.length > 1 ? new Curve(FIRST[model.family]) : null;
    this.faces = h("div", { class: "st-four", "aria-live": "polite" });
    this.paint = h("button", { type: "button", class: "small strong", onclick: () => this.four() }, icon("dice"), (this.paintWord = h("span", { t: "st_four" })));
    const ours = where === "made" && studio.may;
    const measured = [model.unmeasured && !rows.length ? h("p", { class: "soft st-empty" }, own(model.unmeasured)) : figures(/** @type {any} */ (rows)), model.measuring && h("p", { class: "soft st-spin" }, h("i"), h("span", { t: "st_measuring" }))].filter(Boolean);
    this.element.replaceChildren(...[headed(title, [fact([word("fam_" + model.family) !== title && word("fam_" + model.family), model.size && word("size_" + model.size), model.px && word("st_px", { n: model.px }), model.bytes && word("st_mb", { n: (model.bytes / 1e6).toFixed(1) })].filter(Boolean).join(" · "))], "#studio"),
      model.why && h("p", { class: "form-note bad" }, own(model.why)), !model.there && !model.why && h("p", { class: "form-note", t: "st_no_ship_see" }), model.kind === "people" && h("p", { class: "form-note", t: "st_people_note" }),
      h("div", { class: "st-acts" }, model.engine && this.paint, model.engine && h("button", { type: "button", class: "small", onclick: () => studio.does.invent(model.engine) }, icon("spark"), h("span", { t: "st_in_wizard" })), h("span", { class: "gap" }),
        ours && model.there && h("button", { type: "button", class: "small", onclick: () => studio.tried(async () => hand(await (await ask(`${this.path}/download`)).blob(), `${this.name}.zip`)) }, icon("save"), h("span", { t: "st_download" })),
        ours && h("button", { type: "button", class: "small", onclick: () => studio.ask("st_delete_model", "st_delete_model_p", "st_delete", async () => { await askJson(this.path, { method: "DELETE" }); await studio.look(); studio.go(""); }) }, icon("trash"), h("span", { t: "st_delete" }))),
      this.faces, model.samples || curve ? h("div", { class: "st-two" }, model.samples && block("st_sheet", studio.picture(`${this.path}/picture/samples.webp?at=${at}`, word("st_sheet"), { class: "st-sheet" })), h("div", { class: "st-column" }, curve && h("section", { class: "st-block" }, curve.element), block("st_figures", ...measured))) : block("st_figures", ...measured), model.nearest && block("st_nearest", h("p", { class: "soft small-text", t: "st_nearest_p" }), studio.picture(`${this.path}/picture/nearest.webp?at=${at}`, word("st_nearest"), { class: "st-sheet" })),
      model.card && block("st_card", h("div", { class: "st-card-text" }, ...model.card.split(/\n\s*\n/).map((/** @type {string} */ part) => (part.startsWith("#") ? h("h3", {}, part.replace(/^#+\s*/, "")) : h("p", {}, part.replaceAll("\n", " ")))))),
      Object.keys(model.config).length > 0 && h("details", { class: "st-block" }, h("summary", { t: "st_settings" }), settings({ ...flat(model.config), ...flat(model.about) })), model.folder && model.there && block("st_folder", copyable(model.folder))].filter(Boolean));
    curve?.set(model.log.columns, model.log.rows);
  }

  /** Four faces of nobody, as they are painted. */
  async four() {
    this.stopping?.abort();
    const stopping = (this.stopping = new AbortController());
    this.faces.replaceChildren(...[1, 2, 3, 4].map(() => h("span", { class: "st-face waiting" })));
    this.paint.disabled = true;
    await this.studio.tried(async () => {
      for await (const line of askLines("draft/invent", { json: { words: "", asked: {}, seed: Math.floor(Math.random() * 100_000), engine: this.model.engine }, signal: stopping.signal })) {
        if (line.face) this.faces.children[line.k]?.replaceWith(h("img", { class: "st-face", src: line.face.picture, alt: word("st_face_n", { n: line.k + 1 }) }));
      }
    });
    for (const one of this.faces.querySelectorAll(".waiting")) one.remove();
    this.paint.disabled = false;
    this.paintWord.dataset.t = "st_four_again";
    this.paintWord.textContent = word("st_four_again");
  }
}

/** Nested settings, in one row each. @param {any} told @param {string} [before] @returns {Record<string, any>} */
function flat(told, before = "") {
  return Object.fromEntries(Object.entries(told ?? {}).flatMap(([key, value]) => (Array.isArray(value) ? (value.length < 10 ? [[before + key, value.join(", ")]] : []) : value && typeof value === "object" ? Object.entries(flat(value, `${before}${key} `)) : [[before + key, value]])));
}

export class SetDetail {
  /** @param {import("./studio.js").Studio} studio @param {string} name */
  constructor(studio, name) {
    Object.assign(this, { studio, name, path: `studio/sets/${name}` });
    this.element = h("article", { class: "st-one" });
  }

  /** @param {any} told */
  take(told) {
    const set = told.sets?.find((/** @type {any} */ one) => one.name === this.name);
    if (!set) { if (told.sets && this.set) this.studio.go("/data"); return; }
    this.set = set;
    const { studio } = this, busy = set.state === "running", learnt = told.of_set[this.name] ?? [], again = ["stopped", "killed", "failed"].includes(set.state);
    const button = (/** @type {string} */ key, /** @type {any} */ name, /** @type {() => any} */ does, kind = "") => h("button", { type: "button", class: "small " + kind, onclick: does }, icon(name), h("span", { t: key }));
    const post = (/** @type {string} */ what) => studio.tried(async () => { await askJson(`${this.path}/${what}`, { json: {} }); await studio.look(); });
    if (this.count !== set.count || !this.picture) { this.count = set.count; this.picture = set.count ? studio.picture(`${this.path}/sheet?n=${busy ? 24 * Math.floor(set.count / 24) : `${set.state}${set.count}`}`, word("st_crops"), { class: "st-sheet" }) : null; }
    this.element.replaceChildren(...[headed(set.title, [chip(set.state), fact([word("kind_" + set.kind), word("st_faces", { n: many(set.count) }), word("st_px", { n: set.size })].join(" · "))], "#studio/data"),
      set.why && h("p", { class: "form-note bad" }, own(set.why)),
      busy && set.total > 0 && h("div", { class: "st-stand" }, h("progress", { max: set.total, value: set.done, "aria-label": word("st_progress") }), h("p", { class: "st-line", role: "status" }, word("st_of", { done: many(set.done), total: many(set.total) }))),
      h("div", { class: "st-acts" }, busy && button("st_stop", "stop", () => post("stop")), again && button("st_go_on", "play", () => post("go-on"), "strong"), !busy && set.count > 0 && button("st_learn", "spark", () => studio.go(`/train/${this.name}`), again ? "" : "strong"), h("span", { class: "gap" }), !busy && button("st_delete", "trash", () => this.remove(learnt))),
      this.picture && block("st_crops", this.picture), set.report && h("section", { class: "st-block" }, report(set.report)),
      block("st_settings", settings({ [word("st_source")]: set.source, [word("st_licence")]: set.licence, [word("st_who")]: set.signed.replace(/^Signed: /, "") }))].filter(Boolean));
  }

  /** @param {string[]} learnt */
  remove(learnt) {
    const all = h("input", { type: "checkbox", id: "st-all", checked: this.set.kind === "people" });
    this.studio.ask("st_delete_set", "st_delete_set_p", "st_delete", async () => { await askJson(`${this.path}${all.checked && learnt.length ? "?all=1" : ""}`, { method: "DELETE" }); await this.studio.look(); this.studio.go("/data"); },
      { fields: learnt.length ? [h("div", { class: "ticks" }, h("label", {}, all, h("span", { t: "st_delete_all", args: { n: learnt.length } })))] : [] });
  }
}
export { span };
