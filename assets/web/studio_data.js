/** Pictures to learn from: the data sets there are, and a new one, painted or of a folder that is looked at first. */
import { askJson } from "./api.js";
import { h, icon } from "./dom.js";
import { card } from "./studio.js";
import { many } from "./studio_curve.js";
import { getLanguage, own, word } from "./words.js";

const EACH = 1200;                                      // ms between looks at a look
const KINDS = ["people", "drawn"];

export class Data {
  /** @param {import("./studio.js").Studio} studio */
  constructor(studio) {
    this.studio = studio;
    this.way = "";
    this.list = h("div", { class: "st-cards" });
    this.form = h("div", { class: "st-new" });
    this.ways = h("div", { class: "st-ways", role: "radiogroup", tip: "st_new" }, ...["painted", "folder"].map((way) => h("label", { class: "choice st-way" }, h("input", { type: "radio", name: "st-way", value: way, onchange: () => this.choose(way) }), h("span", {}, h("b", { t: "st_way_" + way }), h("small", { class: "soft", t: `st_way_${way}_p` })))));
    this.element = h("div", { class: "st-shelf" }, h("section", { class: "st-section" }, h("header", {}, h("h2", { t: "st_sets" })), this.list), h("section", { class: "st-section" }, h("header", {}, h("h2", { t: "st_new" })), this.ways, this.form));
    this.found();
  }

  stop() { clearTimeout(this.timer); this.over = true; }

  /** A look that was begun before goes on. */
  async found() {
    const told = await askJson("studio/look").catch(() => null);
    if (!told?.look || this.over || this.way) return;
    /** @type {HTMLInputElement} */ (this.ways.querySelector("[value=folder]")).checked = true;
    this.choose("folder");
    this.path.value = told.look.folder;
    this.looked(told.look);
  }

  /** @param {any} told */
  take(told) {
    const { studio } = this, focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key;
    this.told = told;
    this.list.replaceChildren(...(told.sets.length ? told.sets.map((/** @type {any} */ one) => card({ href: `#studio/set/${one.name}`, key: "set" + one.name, title: one.title, state: one.state === "done" ? "" : one.state,
      facts: [word("kind_" + one.kind), word("st_faces", { n: many(one.count) }), word("st_px", { n: one.size })], picture: one.count > 0 && studio.picture(`studio/sets/${one.name}/sheet?n=${one.state === "running" ? 24 * Math.floor(one.count / 24) : `${one.state}${one.count}`}`, "", { class: "st-picture" }),
      more: [one.state === "running" && one.total > 0 && h("progress", { max: one.total, value: one.done, "aria-label": word("st_progress") }), one.why ? h("small", { class: "soft" }, own(one.why)) : one.report ? h("small", { class: "soft" }, word("st_held", { n: many(one.report.held) })) : null].filter(Boolean) })) : [h("p", { class: "soft st-empty", t: "st_no_sets" })]));
    if (focused) /** @type {HTMLElement | null} */ (this.list.querySelector(`[data-key="${CSS.escape(focused)}"]`))?.focus();
  }

  /** @param {string} way */
  choose(way) {
    this.way = way;
    clearTimeout(this.timer);
    this.form.replaceChildren(...(way === "painted" ? this.painted() : this.folder()));
  }

  // painted -----------------------------------------------------------------------------------------------------------------------------

  painted() {
    const count = h("input", { class: "box", id: "st-count", type: "number", min: 8, max: 1_000_000, value: 2000, inputmode: "numeric" }), size = sizes(256), title = h("input", { class: "box", id: "st-title", maxlength: 60, autocomplete: "off" });
    return [h("form", { class: "st-form", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.make({ kind: "painted", count: Number(count.value), size: Number(size.value), title: title.value }); } },
      h("div", { class: "st-fields" }, field("st_count", count, "st_count_note"), field("st_px_of", size), field("st_title", title)), h("div", { class: "st-acts" }, h("button", { type: "submit", class: "wide strong" }, icon("spark"), h("span", { t: "st_paint" }))))];
  }

  // a folder ------------------------------------------------------------------------------------------------------------------------------

  folder() {
    this.path = h("input", { class: "box", id: "st-path", maxlength: 2000, autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true });
    this.size = sizes(256);
    this.report = h("div", { class: "st-report", "aria-live": "polite" });
    return [h("form", { class: "st-form", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.look(); } },
      h("div", { class: "f" }, h("label", { class: "field-label", for: "st-path" }, h("span", { t: "st_path" })), h("div", { class: "st-path" }, this.path, h("button", { type: "button", class: "small", t: "st_browse", onclick: () => this.browse() }))),
      h("div", { class: "st-fields st-narrow" }, field("st_px_of", this.size)), h("div", { class: "st-acts" }, h("button", { type: "submit", class: "wide strong" }, icon("photo"), h("span", { t: "st_look" })))), this.report];
  }

  /** Folders of the machine, one below the other. */
  async browse() {
    const list = h("ul", { class: "st-folders" }), where = h("p", { class: "soft small-text st-where" }), count = h("small", { class: "soft" });
    const pick = h("button", { type: "button", class: "small strong", t: "st_pick", onclick: () => { this.path.value = where.textContent; dialog.close(); this.path.focus(); } });
    const dialog = this.studio.sheet("st_pick_title", h("div", { class: "sheet-form" }, where, list, h("div", { class: "answers" }, count, h("span", { class: "gap" }), pick)));
    const open = async (/** @type {string} */ at) => {
      try {
        const told = await askJson(`studio/folders?at=${encodeURIComponent(at)}`), row = (/** @type {string} */ label, /** @type {string} */ to, /** @type {any} */ shape) => h("li", {}, h("button", { type: "button", onclick: () => open(to) }, icon(shape), h("span", {}, label)));
        where.textContent = told.at;
        count.textContent = told.pictures ? word("st_pictures_here", { n: many(told.pictures) }) : "";
        const below = told.folders.map((/** @type {string} */ name) => row(name, `${told.at.replace(/[\\/]$/, "")}/${name}`, "box"));
        list.replaceChildren(...[told.up && row(word("st_up"), told.up, "left"), ...below, !below.length && h("li", { class: "soft" }, word("st_no_below"))].filter(Boolean));
      } catch (error) { count.textContent = `${error.message} ${error.hint ?? ""}`; if (!where.textContent) open(""); }
    };
    await open(this.path.value.trim());
  }

  async look() {
    const begun = await this.studio.tried(() => askJson("studio/look", { json: { folder: this.path.value.trim(), size: Number(this.size.value) } }));
    if (begun) this.looked(begun.look);
  }

  /** What the look has found so far. @param {any} look */
  looked(look) {
    clearTimeout(this.timer);
    if (this.over || this.way !== "folder") return;
    if (!look) { this.report.replaceChildren(); return; }
    if (look.state === "running") {
      this.report.replaceChildren(h("div", { class: "st-stand" }, h("progress", look.total ? { max: look.total, value: look.done, "aria-label": word("st_progress") } : { "aria-label": word("st_progress") }), h("p", { class: "st-line", role: "status" }, look.total ? word("st_looking", look) : word("st_looking_0"))));
      this.timer = setTimeout(async () => { const told = await askJson("studio/look").catch(() => ({ look })); this.looked(told.look); }, EACH);
      return;
    }
    if (!look.report) { this.report.replaceChildren(h("p", { class: "form-note bad", role: "alert" }, own(look.why) || word("st_no_face"))); return; }
    this.found_ = look;
    const told = look.report, share = told.used / Math.max(1, told.looked), expected = Math.round(share * told.of);
    this.report.replaceChildren(...[h("section", { class: "st-block" }, h("p", { class: "st-said" }, word("st_found", { looked: many(told.looked), of: many(told.of), found: many(told.found), used: many(told.used) })), report(told),
      told.used > 0 && this.studio.picture(`studio/look/sheet?n=${Date.now()}`, word("st_crops"), { class: "st-sheet" }), told.used > 0 && h("p", { class: "soft small-text", t: "st_crops" }),
      h("p", { class: told.used && expected >= 200 ? "soft" : "beside" }, [told.used > 0 ? word("st_expect", { n: many(expected) }) : word("st_no_face"), told.used > 0 && expected < 200 && word("st_too_few")].filter(Boolean).join(" "))),
      told.used > 0 && this.declaration(look)].filter(Boolean));
  }

  /** What they are, whence, and who agreed. @param {any} look */
  declaration(look) {
    let kind = "";
    const source = h("input", { class: "box", id: "st-source", maxlength: 300, placeholder: word("st_source_p"), required: true }), licence = h("input", { class: "box", id: "st-licence", maxlength: 300, placeholder: word("st_licence_p"), required: true });
    const title = h("input", { class: "box", id: "st-title", maxlength: 60, autocomplete: "off", value: look.folder.split(/[\\/]/).filter(Boolean).at(-1) ?? "" }), who = h("input", { class: "box", id: "st-who", maxlength: 200, autocomplete: "name", placeholder: word("st_who_p") });
    const agree = h("input", { type: "checkbox", id: "st-agree" }), people = h("div", { class: "st-people", hidden: true }, h("h3", { t: "st_statement" }), h("p", { class: "statement" }, this.told.statements[getLanguage()]), h("label", { class: "agree" }, agree, h("span", { t: "st_agree" })), h("div", { class: "st-fields st-narrow" }, field("st_who", who)));
    const kinds = h("div", { class: "choices", role: "radiogroup", "aria-label": word("st_what") }, ...KINDS.map((one) => h("label", { class: "choice" }, h("input", { type: "radio", name: "st-kind", value: one, required: true, onchange: () => { kind = one; people.hidden = one !== "people"; } }), h("span", { t: "kind_" + one }))));
    return h("form", { class: "st-form st-block", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.make({ kind, folder: look.folder, size: look.size, source: source.value, licence: licence.value, agreed: agree.checked, who: who.value, title: title.value }); } },
      h("h3", { t: "st_what" }), kinds, h("div", { class: "st-fields" }, field("st_source", source), field("st_licence", licence), field("st_title", title)), people, h("div", { class: "st-acts" }, h("button", { type: "submit", class: "wide strong" }, icon("check"), h("span", { t: "st_make" }))));
  }

  /** @param {object} asked */
  async make(asked) {
    const made = await this.studio.tried(() => askJson("studio/sets", { json: asked }));
    if (!made) return;
    if (this.way === "folder") askJson("studio/look", { method: "DELETE" }).catch(() => {});
    await this.studio.look();
    this.studio.go(`/set/${made.name}`);
  }
}

/** How many pictures can be used, and why the others can't, as bars. @param {any} told a report of twin/train/sift.py */
export function report(told) {
  const reasons = Object.entries(told.refused), most = Math.max(1, told.used, ...reasons.map(([, one]) => one.count));
  const row = (/** @type {string} */ label, /** @type {number} */ n, /** @type {string} */ kind, /** @type {string} */ files) => h("li", { class: kind, title: files || null }, h("span", {}, label), h("span", { class: "st-bar", "aria-hidden": "true" }, h("i", { style: `width:${((100 * n) / most).toFixed(1)}%` })), h("b", {}, many(n)));
  return h("ul", { class: "st-reasons" }, row(word("st_usable"), told.used, "good", ""), told.grey > 0 && row(word("st_grey"), told.grey, "calm", ""), ...reasons.map(([name, one]) => row(word("why_" + name), one.count, "", one.files.join(", "))));
}

/** @param {string} key @param {HTMLElement} input @param {string} [note] */
export function field(key, input, note) {
  return h("div", { class: "f" }, h("label", { class: "field-label", for: input.id }, h("span", { t: key })), input, note && h("p", { class: "soft small-text", t: note }));
}

/** @param {number} chosen */
function sizes(chosen) {
  const select = h("select", { class: "box", id: "st-size" }, ...[64, 128, 256, 512].map((px) => h("option", { value: px }, word("st_px", { n: px }))));
  select.value = String(chosen);
  return select;
}
