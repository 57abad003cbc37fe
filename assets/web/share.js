/** Sharing a twin: as one page, as a Space of one's own, in a website, for programs. A token typed here lives as long as this sheet. */
import "./share_words.js";
import { ask, askJson, askLines, hand } from "./api.js";
import { copy } from "./carry.js";
import { h, icon, iconButton } from "./dom.js";
import { popover } from "./menu.js";
import { own, word } from "./words.js";

const WAYS = ["page", "space", "site", "api"];

export class Share {
  /** @param {import("./mine.js").Mine} mine @param {any} twin */
  constructor(mine, twin) {
    Object.assign(this, { mine, twin, stop: null, secret: "" });
    this.path = `twins/${twin.id}/share`;
    this.note = h("p", { class: "share-note" });
    this.body = h("div", { class: "share-body" });
    this.bar = h("progress", { max: 1, value: 0 });
    this.barNote = h("span");
    this.percent = h("b");
    this.progress = h("div", { class: "progress", role: "status", hidden: true }, h("div", { class: "progress-head" }, this.barNote, this.percent), this.bar,
      h("button", { type: "button", class: "small", onclick: () => this.stop?.abort() }, h("span", { t: "cancel" })));
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    const ways = h("div", { class: "segments share-ways", role: "radiogroup", tip: "share_ways" }, ...WAYS.map((way, n) => h("label", {},
      h("input", { type: "radio", name: "share-way", value: way, checked: n === 0, onchange: () => this.turn(way) }), h("span", { t: "way_" + way }))));
    this.dialog = mine.dialog("share_title", { name: own(twin.name) }, h("div", { class: "sheet-form share" }, ways, this.note, this.body, this.progress, this.trouble));
    this.dialog.classList.add("wide-sheet");
    this.dialog.addEventListener("close", () => { this.stop?.abort(); this.secret = ""; });
    this.open();
  }

  async open() {
    try {
      this.info = await askJson(this.path);
      const { consent, refused, drawn } = this.info;
      this.note.replaceChildren(icon(drawn ? "photo" : "check"), h("span", {}, refused || word(drawn ? "share_drawn" : "share_scope_" + consent.scope), " ", h("small", {}, word("share_private"))));
      this.turn("page");
    } catch (error) { this.tell(error); }
  }

  /** @param {string} way */
  turn(way) {
    this.way = way;
    this.trouble.hidden = true;
    this.body.replaceChildren(...this[way]());
  }

  // one page ----------------------------------------------------------------------------------------------------------------------------

  page() {
    const boxes = this.info.languages.map((/** @type {string} */ code) => h("label", {}, h("input", { type: "checkbox", value: code, checked: true }), h("span", { t: "lang_" + code })));
    return [h("p", { class: "soft", t: "page_lead" }), boxes.length > 1 && h("div", { class: "f" }, h("span", { class: "field-label", t: "page_languages" }), h("div", { class: "ticks" }, ...boxes)),
      h("div", { class: "answers" }, h("button", { type: "button", class: "small strong", onclick: () => this.work("page_make", async (signal) => {
        const languages = boxes.map((label) => label.querySelector("input")).filter((box) => box.checked).map((box) => box.value);
        const { page, bytes } = await this.lines("page", { languages }, signal);
        hand(await (await ask(`${this.path}/page/${page}`, { signal })).blob(), `${this.twin.id}.html`);
        this.mine.good("page_made", { mb: (bytes / 2 ** 20).toFixed(1) });
      }) }, icon("save"), h("span", { t: "page_make" })))].filter(Boolean);
  }

  // a Space -----------------------------------------------------------------------------------------------------------------------------

  space() {
    const { info } = this, radio = (/** @type {string} */ kind, /** @type {boolean} */ on) => h("label", { class: "choice" }, h("input", { type: "radio", name: "share-kind", value: kind, checked: on, onchange: () => { runs.hidden = this.kind() === "static"; } }),
      h("span", {}, h("span", { t: "kind_" + kind }), h("small", { t: `kind_${kind}_note`, args: { mb: info.megabytes } })));
    const name = h("input", { type: "text", class: "box", id: "share-repo", value: this.twin.id.replace(/-[0-9a-f]{6}$/, ""), maxlength: 193, placeholder: word("space_name_p"), spellcheck: "false", autocapitalize: "off" });
    const hardware = h("select", { class: "box", id: "share-hardware" }, ...info.hardware.map((/** @type {string} */ one) => h("option", { value: one }, word("hw_" + one, { mind: info.mind.split("/").pop() }))));
    const runs = h("div", { class: "f" }, h("label", { class: "field-label", for: hardware.id }, h("span", { t: "hardware" })), hardware, h("p", { class: "soft small-text", t: "hardware_note" }));
    const publish = h("button", { type: "submit", class: "small strong" }, icon("right"), h("span", { t: "publish_it" }));
    const form = h("form", { class: "form" }, h("div", { class: "choices" }, radio("gradio", true), radio("static", false)), runs, this.account(),
      h("div", { class: "f" }, h("label", { class: "field-label", for: name.id }, h("span", { t: "space_name" })), name),
      h("div", { class: "answers" }, info.try && h("button", { type: "button", class: "small", onclick: () => this.try() }, icon("play"), h("span", { t: "try_it" })),
        h("button", { type: "button", class: "small", onclick: () => this.zip(hardware.value) }, icon("box"), h("span", { t: "zip_it" })), publish));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send("publish", { repo: name.value, kind: this.kind(), hardware: hardware.value }, "published_now");
    });
    this.form = form;
    return [h("p", { class: "soft", t: "space_lead" }), this.places(), info.trial && this.running(), form].filter(Boolean);
  }

  kind() { return this.form.querySelector("[name=share-kind]:checked").value; }

  /** Who publishes: the sign-in of this machine, or a token typed for this once. */
  account() {
    const input = h("input", { type: "password", class: "box", id: "share-token", maxlength: 2000, autocomplete: "off", spellcheck: "false", placeholder: "hf_…", value: this.secret, oninput: () => { this.secret = input.value.trim(); } });
    const field = h("div", { class: "f", hidden: this.info.signed_in && !this.secret }, h("label", { class: "field-label", for: input.id }, h("span", { t: "token" })), input, h("p", { class: "soft small-text", t: "token_note" }));
    const known = this.info.signed_in && h("p", { class: "share-known", hidden: !field.hidden }, icon("check"), h("span", { t: "token_here" }),
      h("button", { type: "button", class: "small", onclick: () => { field.hidden = false; known.hidden = true; input.focus(); } }, h("span", { t: "token_other" })));
    return h("div", {}, known, field);
  }

  /** What is published already. */
  places() {
    const { published } = this.info;
    if (!published.length) return false;
    return h("ul", { class: "places-list" }, ...published.map((/** @type {any} */ place) => {
      const badge = !place.revision ? "unfinished" : place.private ? "private" : "public", { repo } = place;
      const items = place.revision ? [["right", "p_open", () => window.open(place.url, "_blank", "noopener")], ["again", "p_update", () => this.send("update", { repo }, "updated_now")],
        place.private ? ["person", "p_show", () => this.widen(place)] : ["lock", "p_hide", () => this.visible(place, true)], ["copy", "p_duplicate", () => this.duplicate(place)], ["trash", "p_unpublish", () => this.unpublish(place)]]
        : [["again", "p_finish", () => this.send("publish", { repo, kind: place.kind, hardware: place.hardware || "auto" }, "published_now")], ["trash", "p_unpublish", () => this.unpublish(place)]];
      return h("li", {}, h("a", { href: place.url, target: "_blank", rel: "noopener noreferrer" }, repo), h("em", { class: badge, t: "badge_" + badge }), h("small", {}, word("kind_" + place.kind)),
        popover(iconButton("more", "p_menu", () => {}, { class: "round tiny", args: { name: repo }, "aria-haspopup": "menu" }), /** @type {any} */ (items)));
    }));
  }

  running() {
    return h("div", { class: "form-note" }, h("span", { t: "try_runs" }), h("div", { class: "row-buttons" },
      h("a", { class: "small button", href: this.info.trial, target: "_blank", rel: "noopener noreferrer" }, icon("right"), h("span", { t: "try_open" })),
      h("button", { type: "button", class: "small", onclick: () => this.work("try_stop", async () => { await askJson(this.path + "/try", { method: "DELETE" }); }) }, h("span", { t: "try_stop" }))));
  }

  try() { return this.work("trying", async (signal) => { await this.lines("try", {}, signal); }); }

  /** @param {string} hardware */
  zip(hardware) {
    return this.work("zipping", async (signal) => {
      const given = hardware === "auto" ? "cpu-basic" : hardware;
      hand(await (await ask(this.path + "/space.zip", { json: { hardware: given }, signal })).blob(), `${this.twin.id}-space.zip`);
    });
  }

  /** @param {string} what @param {object} json @param {string} done */
  send(what, json, done) {
    return this.work("publishing", async (signal) => { await this.lines(what, { ...json, token: this.secret }, signal); this.mine.good(done); });
  }

  /** @param {any} place */
  widen(place) {
    this.confirm("show_title", place, "show_text", "show_do", [], () => askJson(this.path + "/visible", { json: { repo: place.repo, private: false, sure: true, token: this.secret } }), "shown_now");
  }

  /** @param {any} place @param {boolean} hide */
  visible(place, hide) {
    return this.work("publishing", async () => { await askJson(this.path + "/visible", { json: { repo: place.repo, private: hide, sure: true, token: this.secret } }); this.mine.good("hidden_now"); });
  }

  /** @param {any} place */
  duplicate(place) {
    const { input, field } = this.mine.input("space_name", place.repo + "-copy");
    this.confirm("duplicate_title", place, "", "duplicate_do", [field], () => askJson(this.path + "/duplicate", { json: { repo: place.repo, to: input.value, token: this.secret } }), "duplicated_now");
    input.select();
  }

  /** @param {any} place */
  unpublish(place) {
    this.confirm("unpublish_title", place, "unpublish_text", "unpublish_do", [], () => askJson(this.path + "/unpublish", { json: { repo: place.repo, token: this.secret } }), "unpublished_now", true);
  }

  /** @param {string} key @param {any} place @param {string} note @param {string} action @param {HTMLElement[]} fields @param {() => Promise<any>} run @param {string} done @param {boolean} [bad] */
  confirm(key, place, note, action, fields, run, done, bad = false) {
    this.mine.ask(key, { name: place.repo }, fields, action, async () => { await run(); await this.again(); this.mine.good(done); }, { note, bad });
  }

  // elsewhere ---------------------------------------------------------------------------------------------------------------------------

  /** Where others reach the twin: a public Space of the app, or this server. */
  base() {
    const space = this.info.published.find((/** @type {any} */ place) => place.kind === "gradio" && !place.private && place.revision);
    return space ? `https://${space.repo.toLowerCase().replace(/[^a-z0-9]+/g, "-")}.hf.space/` : new URL("./", document.baseURI).href;
  }

  site() {
    const base = this.base(), id = this.twin.id;
    return [h("p", { class: "soft", t: "site_lead", args: { name: own(this.twin.name) } }),
      this.code("site_frame", `<iframe src="${base}?twin=${id}&stage=only" allow="microphone; autoplay" style="border:0; width:360px; height:480px" title="AI"></iframe>`),
      this.code("site_script", `<div id="twin"></div>\n<script src="${base}web/widget.js" data-twin="${id}" async></script>`)];
  }

  api() {
    const base = this.base(), id = this.twin.id;
    return [h("p", { class: "soft", t: "api_lead" }),
      this.code("api_python", `from gradio_client import Client\n\nclient = Client("${base}", headers={"X-Twin-Token": TOKEN})\nprint(client.predict("${id}", "Hello!", api_name="/talk"))`),
      this.code("api_http", `curl ${base}api/say -H "X-Twin-Token: $TOKEN" -H "Content-Type: application/json" \\\n  -d '{"twin": "${id}", "text": "Hello!"}' -o hello.wav`),
      h("p", { class: "soft small-text", t: "api_more" })];
  }

  /** @param {string} key @param {string} text */
  code(key, text) {
    return h("div", { class: "f" }, h("div", { class: "field-label" }, h("span", { t: key }), iconButton("copy", "copy_it", () => copy(text, this.mine.does.notices), { class: "round tiny" })), h("pre", { class: "code", tabindex: "0" }, text));
  }

  // doing it ----------------------------------------------------------------------------------------------------------------------------

  /** The last line of what is done there, with the bar. @param {string} what @param {object} json @param {AbortSignal} signal @returns {Promise<any>} */
  async lines(what, json, signal) {
    let last = {};
    for await (const line of askLines(`${this.path}/${what}`, { json, signal })) {
      last = line;
      if (line.note) this.draw(line.done ?? 0, own(line.note));
    }
    return last;
  }

  /** One piece of work at a time; what goes wrong stands below. @param {string} key @param {(signal: AbortSignal) => Promise<void>} run */
  async work(key, run) {
    if (this.stop) return;
    const stop = this.stop = new AbortController();
    this.trouble.hidden = true;
    this.progress.hidden = false;
    this.body.inert = true;
    this.body.classList.add("waits");
    this.draw(0, word(key));
    try { await run(stop.signal); } catch (error) { if (error.name !== "AbortError") this.tell(error); }
    this.stop = null;
    this.progress.hidden = true;
    this.body.inert = false;
    this.body.classList.remove("waits");
    await this.again(this.trouble.hidden);
  }

  /** What is shown follows from the server; after an error what was typed stays. @param {boolean} [draw] */
  async again(draw = true) {
    try {
      const before = JSON.stringify(this.info);
      this.info = await askJson(this.path);
      if (this.dialog.open && (draw || before !== JSON.stringify(this.info))) this.body.replaceChildren(...this[this.way]());
    } catch { /* the twin is gone, or locked again: the next click says so */ }
  }

  /** @param {number} done @param {string} note */
  draw(done, note) {
    this.bar.value = done;
    this.percent.textContent = done ? Math.round(100 * done) + " %" : "";
    if (this.barNote.textContent !== note) this.barNote.textContent = note;
    this.progress.scrollIntoView({ block: "nearest" });
  }

  /** @param {any} error */
  tell(error) {
    this.trouble.hidden = false;
    this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
    this.trouble.scrollIntoView({ block: "nearest" });
  }
}
