/** The Studio: models on a shelf, pictures to learn from, trainings as they go. This file is its frame: which view is shown, what the server tells, and the shelf.
 * The address says where one is: #studio, #studio/data, #studio/train, #studio/run/NAME, #studio/model/WHERE/NAME, #studio/set/NAME. */
import "./create_words.js";
import "./studio_words.js";
import { askJson, fetchOwn } from "./api.js";
import { asking, h, icon, iconButton } from "./dom.js";
import { Data } from "./studio_data.js";
import { ModelDetail, RunDetail, SetDetail } from "./studio_detail.js";
import { Train } from "./studio_train.js";
import { many } from "./studio_curve.js";
import { own, word } from "./words.js";

const EACH = 2500, SELDOM = 8000;                       // ms between looks at the whole, while something goes on and while nothing does
const TABS = ["shelf", "data", "train"];
export const BUSY = ["waiting", "starting", "training", "measuring", "stopping"];

export class Studio {
  /** @param {{invent: (engine: string) => void}} does `invent`: open the wizard with that engine */
  constructor(does) {
    this.does = does;
    /** @type {any} what GET studio told last */
    this.told = null;
    this.seen = "";
    this.view = "";
    /** @type {any} what is shown: has .element, and may have .take(told), .stop(), .rename() */
    this.shown = null;
    /** @type {Map<string, Promise<string>>} */
    this.pictures = new Map();
    this.trouble = h("p", { class: "beside st-trouble", role: "alert", hidden: true });
    this.tabs = h("div", { class: "segments st-tabs", role: "navigation", tip: "st_views" }, ...TABS.map((tab) => h("a", { href: tab === "shelf" ? "#studio" : `#studio/${tab}`, "data-tab": tab }, h("span", { t: "st_" + tab }))));
    this.body = h("div", { class: "st-body" });
    this.element = h("main", { class: "studio", id: "twin-studio", hidden: true }, h("div", { class: "st-frame" },
      h("header", { class: "st-head" }, h("div", {}, h("h1", { t: "studio", tabindex: -1 }), h("p", { class: "soft", t: "st_lead" })), this.tabs), this.trouble, this.body));
    document.addEventListener("visibilitychange", () => { if (this.isOpen && !document.hidden) this.look(); });
  }

  get isOpen() { return !this.element.hidden; }

  get may() { return Boolean(this.told?.may); }

  /** Show what the address says. */
  async open() {
    const first = this.element.hidden;
    this.element.hidden = false;
    if (first || !this.told) await this.look();
    this.route();
  }

  close() {
    this.element.hidden = true;
    clearTimeout(this.timer);
    this.shown?.stop?.();
    this.shown = null;
    this.view = "";
  }

  route() {
    if (!this.isOpen) return;
    const [, view = "shelf", ...rest] = decodeURI(location.hash.slice(1)).split("/"), key = [view, ...rest].join("/");
    if (key === this.view) return;
    this.tell();
    this.shown?.stop?.();
    this.view = key;
    const made = { data: () => new Data(this), train: () => new Train(this, rest[0]), run: () => new RunDetail(this, rest[0]), model: () => new ModelDetail(this, rest[0], rest[1]), set: () => new SetDetail(this, rest[0]) }[view];
    this.shown = made && this.may || view === "model" ? made() : new Shelf(this);
    const detail = ["run", "model", "set"].includes(view), tab = TABS.includes(view) ? view : view === "set" ? "data" : "shelf";
    this.element.classList.toggle("st-detail", detail);
    for (const one of this.tabs.children) one.toggleAttribute("aria-current", one.dataset.tab === tab);
    this.tabs.hidden = !this.may;
    this.body.replaceChildren(this.shown.element);
    if (this.told) this.shown.take?.(this.told);
    this.element.scrollTo(0, 0);
    if (detail) this.shown.element.querySelector("h1")?.focus({ preventScroll: true });
  }

  /** @param {string} where */
  go(where) {
    if (location.hash === "#studio" + where) { this.view = ""; this.route(); } else location.hash = "#studio" + where;
  }

  /** Ask how everything stands, now and again. */
  async look() {
    clearTimeout(this.timer);
    if (!this.isOpen || document.hidden) return;
    try {
      const told = await askJson("studio"), seen = JSON.stringify(told);
      if (this.offline) this.tell();
      this.offline = false;
      this.told = told;
      if (seen !== this.seen) { this.seen = seen; this.shown?.take?.(told); }
    } catch (error) { this.offline = !error.status; this.tell(error); }
    const busy = this.told?.runs?.some((/** @type {any} */ one) => BUSY.includes(one.state)) || this.told?.sets?.some((/** @type {any} */ one) => one.state === "running");
    clearTimeout(this.timer);
    if (this.isOpen) this.timer = setTimeout(() => this.look(), busy || this.offline ? EACH : SELDOM);
  }

  /** Do something; what goes wrong stands on the page. @param {() => Promise<any>} run @returns {Promise<any>} null where it went wrong */
  async tried(run) {
    this.tell();
    try { const found = await run(); return found ?? true; }
    catch (error) { this.tell(error); return null; }
  }

  /** @param {any} [error] */
  tell(error) {
    this.trouble.hidden = !error;
    this.trouble.textContent = error ? `${error.message} ${error.hint ?? ""}`.trim() : "";
    if (error) this.trouble.scrollIntoView({ block: "nearest" });
  }

  /** The page speaks another language. */
  rename() {
    if (!this.isOpen) return;
    this.shown?.rename?.();
    if (this.told) this.shown?.take?.(this.told, true);
  }

  // pictures come with a header that says who asks, so they become blob: addresses ------------------------------------------------------------

  /** @param {string} path @param {string} alt @param {Record<string, any>} [more] @returns {HTMLImageElement} */
  picture(path, alt, more = {}) {
    const image = h("img", { alt, draggable: "false", class: "st-picture", ...more });
    this.show(image, path);
    return image;
  }

  /** @param {HTMLImageElement} image @param {string} path */
  show(image, path) {
    if (image.dataset.path === path) return;
    image.dataset.path = path;
    if (!this.pictures.has(path)) {
      if (this.pictures.size > 80) this.forget([...this.pictures.keys()].slice(0, 20));
      this.pictures.set(path, fetchOwn(new URL(path, document.baseURI).href).then(async (answer) => {
        if (!answer.ok) throw new Error(String(answer.status));
        return URL.createObjectURL(await answer.blob());
      }));
    }
    this.pictures.get(path)?.then((url) => { if (image.dataset.path === path) image.src = url; }, () => { this.pictures.delete(path); image.classList.add("st-lost"); });
  }

  /** @param {string[]} paths */
  forget(paths) {
    for (const path of paths) {
      this.pictures.get(path)?.then((url) => URL.revokeObjectURL(url), () => {});
      this.pictures.delete(path);
    }
  }

  // asking ----------------------------------------------------------------------------------------------------------------------------------

  /** A sheet that asks before something is done. @param {string} title @param {string} note @param {string} action @param {() => Promise<any>} run
   * @param {{bad?: boolean, fields?: any[]}} [options] */
  ask(title, note, action, run, { bad = true, fields = [] } = {}) {
    const dialog = this.sheet(title, asking({ note, fields, action, bad, run, close: () => dialog.close() }));
    return dialog;
  }

  /** @param {string} title @param {...any} parts @returns {HTMLDialogElement} */
  sheet(title, ...parts) {
    const dialog = h("dialog", { class: "sheet small-sheet", "aria-labelledby": "st-sheet" }, h("header", {}, h("h2", { id: "st-sheet", t: title }), iconButton("close", "close", () => dialog.close(), { class: "round ghost" })), ...parts);
    dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => dialog.remove());
    this.element.append(dialog);
    dialog.showModal();
    return dialog;
  }
}

/** All models, as cards. */
class Shelf {
  /** @param {Studio} studio */
  constructor(studio) {
    this.studio = studio;
    this.element = h("div", { class: "st-shelf" });
  }

  /** @param {any} told */
  take(told) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key, { may } = told, runs = told.runs ?? [];
    const order = (/** @type {any} */ one) => (BUSY.includes(one.state) ? 0 : 1);
    const shipped = section("st_shipped", null, [this.painter(), ...told.shipped.map((/** @type {any} */ one) => this.model(one, may))]), first = !runs.length && !told.made.length;
    this.element.replaceChildren(...[
      !may && h("p", { class: "form-note", t: "st_only_home" }),
      first && shipped,
      may && section("st_running", h("a", { class: "small strong st-add", href: "#studio/train", "data-key": "train" }, icon("plus"), h("span", { t: "st_begin" })),
        runs.length ? [...runs].sort((one, two) => order(one) - order(two)).map((/** @type {any} */ one) => this.run(one)) : [h("p", { class: "soft st-empty", t: "st_none_runs" })]),
      (may || told.made.length > 0) && section("st_made", may && h("button", { type: "button", class: "small st-add", "data-key": "bring", onclick: () => this.bring() }, icon("box"), h("span", { t: "st_bring" })), told.made.length ? told.made.map((/** @type {any} */ one) => this.model(one)) : [h("p", { class: "soft st-empty", t: "st_none_made" })]),
      !first && shipped].filter(Boolean));
    if (focused) /** @type {HTMLElement | null} */ (this.element.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {any} one */
  run(one) {
    const busy = BUSY.includes(one.state);
    return card({ href: `#studio/run/${one.name}`, key: "run" + one.name, title: one.title, family: one.family, facts: [word("size_" + one.size), word("st_px", { n: one.px })],
      picture: one.sheet !== null && this.studio.picture(sheetOf(one.name, one.sheet), word("st_sheet")), state: one.state,
      more: [busy && one.share !== null && h("progress", { max: 1, value: one.share ?? 0, "aria-label": word("st_progress") }), h("small", { class: "soft" }, said(one))] });
  }

  /** @param {any} one @param {boolean} [may] */
  model(one, may = false) {
    const facts = [one.size && word("size_" + one.size), one.px && word("st_px", { n: one.px }), one.bytes && word("st_mb", { n: (one.bytes / 1e6).toFixed(one.bytes < 1e7 ? 1 : 0) })];
    const title = one.where === "shipped" ? word("fam_" + one.family) : one.title;
    if (!one.there && one.where === "shipped") return card({ title, family: one.family, about: word(`fam_${one.family}_p`), note: word(may ? "st_no_ship" : "st_no_ship_see"), quiet: true });
    return card({ href: `#studio/model/${one.where}/${one.name}`, key: "model" + one.where + one.name, title, family: one.family, facts, bad: one.why && own(one.why), about: one.where === "shipped" ? word(`fam_${one.family}_p`) : "",
      picture: one.samples && this.studio.picture(`studio/models/${one.where}/${one.name}/picture/samples.webp?at=${encodeURIComponent(one.made)}`, word("st_sheet")) });
  }

  painter() {
    this.painting ??= this.studio.picture("studio/painter", word("st_painter"), { class: "st-picture st-wide" });
    return card({ title: word("st_painter"), facts: [word("st_always")], about: word("st_painter_p"), picture: this.painting, wait: word("st_painter_busy") });
  }

  bring() {
    const field = h("input", { class: "box", id: "st-bring", maxlength: 1000, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
    this.studio.ask("st_bring", "st_bring_p", "st_take", async () => {
      const { name } = await askJson("studio/models", { json: { folder: field.value.trim() } });
      await this.studio.look();
      this.studio.go(`/model/made/${name}`);
    }, { bad: false, fields: [h("div", { class: "f" }, h("label", { class: "field-label", for: "st-bring" }, h("span", { t: "st_path" })), field)] });
    field.focus();
  }
}

/** @param {string} key @param {any} action @param {any[]} cards */
const section = (key, action, cards) => h("section", { class: "st-section" }, h("header", {}, h("h2", { t: key }), action), h("div", { class: "st-cards" }, ...cards));

/** @param {Record<string, any>} given */
export function card({ href, key, title, family, facts = [], picture, state, about, note, bad, more = [], quiet, wait }) {
  const shown = h("span", { class: "st-thumb" }, picture || h("span", { class: "st-blank", "aria-hidden": "true" }, icon(quiet ? "spark" : "photo")), wait && picture && h("span", { class: "st-wait soft" }, wait));
  const inside = [shown, h("span", { class: "st-what" }, h("span", { class: "st-name" }, h("b", {}, title), state && chip(state), bad && h("em", { class: "st-chip failed", t: "st_broken" })),
    h("small", { class: "soft" }, [family && word("fam_" + family) !== title && word("fam_" + family), ...facts].filter(Boolean).join(" · ")), about && h("span", { class: "st-about" }, about), bad && h("span", { class: "st-about" }, bad), note && h("small", { class: "soft" }, note), ...more)];
  return href ? h("a", { class: "st-card", href, "data-key": key }, ...inside) : h("div", { class: "st-card" + (quiet ? " quiet" : "") }, ...inside);
}

/** @param {string} state */
export const chip = (state) => h("em", { class: `st-chip ${state}` }, BUSY.includes(state) || state === "running" ? h("i", { "aria-hidden": "true" }) : null, h("span", { t: "s_" + state }));

/** @param {string} name @param {number} step */
export const sheetOf = (name, step) => `studio/runs/${name}/picture/step-${String(step).padStart(8, "0")}.png`;

/** How a training stands, in a line. @param {any} one */
export function said(one) {
  if (one.why) return own(one.why);
  if (one.state === "waiting") return word("st_wait_why");
  if (one.state === "starting") return word("st_start_why");
  const busy = BUSY.includes(one.state);
  return [one.step !== null && word("st_step", { n: many(one.step ?? 0) }), one.pictures !== null && word("st_seen", { n: many(one.pictures ?? 0) }), busy && one.pace && word("st_pace", { n: one.pace >= 10 ? Math.round(one.pace) : one.pace.toFixed(1) }),
    busy && one.left !== null ? word("st_left", { time: span(one.left ?? 0) }) : one.seconds && word("st_spent", { time: span(one.seconds) })].filter(Boolean).join(" · ");
}

/** @param {number} seconds */
export const span = (seconds) => (seconds < 90 ? word("st_s", { n: Math.round(seconds) }) : seconds < 5400 ? word("st_min", { n: Math.round(seconds / 60) }) : word("st_h", { n: (seconds / 3600).toFixed(1) }));
