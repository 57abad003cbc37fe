/** Making elements: `h("button", {class: "round", tip: "stop", onclick}, icon("stop"))`. */
import { fill } from "./words.js";

/** Stroked 24 px outlines, drawn for this page. */
const PATHS = {
  mic: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M8 8h8v8H8z",
  sound: "M4 9.5v5h3.2L12 19V5L7.2 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  mute: "M4 9.5v5h3.2L12 19V5L7.2 9.5zM16 9.5l5 5M21 9.5l-5 5",
  captions: "M5.5 5h13A2.5 2.5 0 0 1 21 7.5v9a2.5 2.5 0 0 1-2.5 2.5h-13A2.5 2.5 0 0 1 3 16.5v-9A2.5 2.5 0 0 1 5.5 5zM10.5 10.6a2 2 0 1 0 0 2.8M17 10.6a2 2 0 1 0 0 2.8",
  expand: "M14 5h5v5M10 19H5v-5M19 5l-6 6M5 19l6-6",
  shrink: "M19 11h-6V5M5 13h6v6M13 11l6-6M11 13l-6 6",
  settings: "M4 7h9M19 7h1M4 17h1M11 17h9M16 4.5v5M8 14.5v5",
  more: "M5.5 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0M11.4 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0M17.3 12a.6.6 0 1 0 1.2 0a.6.6 0 1 0-1.2 0",
  history: "M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 8v4.5l3 1.8",
  plus: "M12 5v14M5 12h14",
  copy: "M9 9h9a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 18 20h-7.5A1.5 1.5 0 0 1 9 18.5zM5.5 15A1.5 1.5 0 0 1 4.5 13.5v-8A1.5 1.5 0 0 1 6 4h7.5A1.5 1.5 0 0 1 15 5.5",
  save: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  again: "M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5",
  edit: "M4.5 19.5l.9-4L16 4.9a1.8 1.8 0 0 1 2.6 0l.5.5a1.8 1.8 0 0 1 0 2.6L8.5 18.6z",
  rewind: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5",
  close: "M6 6l12 12M18 6L6 18",
  hands: "M4 12h2M8 8v8M12 5v14M16 8v8M20 12h-2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  ear: "M7 10a5 5 0 1 1 10 0c0 3-3 3.8-3 6.5a3 3 0 0 1-5.5 1.7M10 10a2 2 0 0 1 4 0",
  chip: "M8 8h8v8H8zM5 10h3M5 14h3M16 10h3M16 14h3M10 5v3M14 5v3M10 16v3M14 16v3",
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/**
 * An element. `t` is a key of words.js for its text, `tip` one for its label and tooltip (they follow the language);
 * `on...` are listeners; everything else is an attribute (`true` = present, `false`/`null` = absent).
 * @param {string} tag @param {Record<string, any>} [props] @param {...(Node | string | null | undefined | false)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "t") element.dataset.t = value;
    else if (name === "tip") element.dataset.tip = value;
    else if (name === "args") element.dataset.args = JSON.stringify(value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  if (element.dataset.t || element.dataset.tip) fill(element);
  return element;
}

/** A button with an icon and a label for those who cannot see it. @param {keyof typeof PATHS} name @param {string} tip
 * @param {(event: MouseEvent) => void} onclick @param {Record<string, any>} [props] @returns {HTMLButtonElement} */
export function iconButton(name, tip, onclick, props = {}) {
  return h("button", { type: "button", class: "round", tip, onclick, ...props }, icon(name));
}

/** Change the words of an element made by `h`. @param {HTMLElement} element @param {string} key @param {object} [args] */
export function say(element, key, args) {
  element.dataset.t = key;
  if (args) element.dataset.args = JSON.stringify(args); else delete element.dataset.args;
  fill(element);
}

/** @param {HTMLElement} element @param {string} key */
export function tip(element, key) {
  element.dataset.tip = key;
  fill(element);
}
