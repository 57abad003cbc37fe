/** Choices of this browser: language, look, sound, devices. Kept in localStorage, told to the page as they change. */
import { h, iconButton } from "./dom.js";
import { recall, remember } from "./keep.js";
import { devices } from "./mic.js";
import { word } from "./words.js";

/** @typedef {{theme: string, volume: number, muted: boolean, captions: boolean, mic: string, speaker: string}} Choices */

/** @returns {Choices} */
export const choices = () => ({ theme: recall("theme", "auto"), volume: recall("volume", 0.9), muted: recall("muted", false),
  captions: recall("captions", true), mic: recall("mic", ""), speaker: recall("speaker", "") });

/** @param {string} theme auto, light or dark */
export function applyTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export class Settings {
  /** @param {Choices} chosen @param {(name: keyof Choices | "lang", value: any) => void} change @param {boolean} speakers can be chosen @param {() => void} models opens the list of models */
  constructor(chosen, change, speakers, models) {
    this.models = models;
    this.chosen = chosen;
    this.change = change;
    this.speakers = speakers;
    /** @type {HTMLElement | null} who one is here, where people sign in */
    this.account = null;
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "twin-settings" });
    this.element.addEventListener("click", (event) => { if (event.target === this.element) this.element.close(); });
  }

  /** @param {string} language @param {any} engines */
  async open(language, engines) {
    this.draw(language, engines, [[], []]);
    this.element.showModal();
    const lists = await Promise.all([devices("audioinput"), devices("audiooutput")]);
    if (this.element.open && lists.flat().length) this.draw(language, engines, lists);
  }

  /** @param {string} language @param {any} engines @param {{id: string, name: string}[][]} lists */
  draw(language, engines, [mics, speakers]) {
    const { chosen } = this, set = (/** @type {keyof Choices | "lang"} */ name, /** @type {any} */ value) => {
      if (name !== "lang") { chosen[name] = value; remember(name, value); }
      this.change(name, value);
    };
    this.element.replaceChildren(
      h("header", {}, h("h2", { id: "twin-settings", t: "settings" }), iconButton("close", "close", () => this.element.close(), { class: "round ghost" })),
      h("div", { class: "rows" },
        row("language", segments([["en", "English"], ["zh", "中文"]], language, (value) => set("lang", value))),
        row("look", segments(["auto", "light", "dark"].map((name) => [name, word(name)]), chosen.theme, (value) => { applyTheme(value); set("theme", value); })),
        row("volume", h("input", { type: "range", min: 0, max: 1, step: 0.01, value: chosen.volume, "aria-label": word("volume"),
          oninput: (event) => set("volume", Number(event.target.value)) })),
        row("captions", h("label", { class: "check" }, h("input", { type: "checkbox", checked: chosen.captions, onchange: (event) => set("captions", event.target.checked) }),
          h("span", { t: "show_captions" }))),
        row("microphone", mics.length ? select("microphone", mics, chosen.mic, (value) => set("mic", value)) : h("span", { class: "soft", t: "ask_devices" })),
        row("speaker", this.speakers && speakers.length ? select("speaker", speakers, chosen.speaker, (value) => set("speaker", value))
          : h("span", { class: "soft", t: this.speakers ? "ask_devices" : "no_speaker" })),
        this.account && row("account", this.account),
        engines && row("engines", h("div", { class: "engines-row" }, enginesList(engines), h("button", { type: "button", class: "small", t: "choose_models", onclick: () => { this.element.close(); this.models(); } }))),
        row("keys", h("ul", { class: "plain" }, h("li", { t: "key_space" }), h("li", { t: "key_esc" }), h("li", { t: "key_enter" })))));
  }
}

/** @param {string} key @param {HTMLElement} content */
const row = (key, content) => h("div", { class: "row" }, h("span", { class: "row-name", t: key }), content);

const NAMES = { smollm2: "SmolLM2 135M", espeak: "espeak-ng", pocketsphinx: "PocketSphinx", visemes: "Visemes" };

/** An engine as its makers write it. @param {string} [name] the registry's */
export const engineName = (name = "") => NAMES[name] ?? name;

/** What hears, thinks and speaks. @param {any} engines */
export const enginesList = (engines) => h("dl", { class: "engines" }, ...["listen", "think", "speak"].flatMap((verb) => (engines[verb]
  ? [h("dt", { t: verb }), h("dd", {}, engineName(engines[verb].name), engines[verb].note && h("small", {}, engines[verb].note))] : [])));

/** @param {string[][]} options @param {string} chosen @param {(value: string) => void} change */
function segments(options, chosen, change) {
  const group = h("div", { class: "segments", role: "radiogroup" });
  const name = "seg" + options.map(([value]) => value).join("");
  group.append(...options.map(([value, text]) => h("label", {}, h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => change(value) }), h("span", {}, text))));
  return group;
}

/** @param {string} key @param {{id: string, name: string}[]} list @param {string} chosen @param {(value: string) => void} change */
function select(key, list, chosen, change) {
  return h("select", { "aria-label": word(key), onchange: (event) => change(event.target.value) }, h("option", { value: "", t: "default_device" }),
    ...list.map(({ id, name }) => h("option", { value: id, selected: id === chosen }, name)));
}
