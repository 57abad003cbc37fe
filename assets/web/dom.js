/** Making elements: `h("button", {class: "round", tip: "stop", onclick}, icon("stop"))`. */
import { fill } from "./words.js";

/** A device that is touched: nothing is dropped there, and no keys are at hand. */
export const FINGER = matchMedia("(hover: none)").matches;

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
  minus: "M5 12h14",
  copy: "M9 9h9a1.5 1.5 0 0 1 1.5 1.5v8A1.5 1.5 0 0 1 18 20h-7.5A1.5 1.5 0 0 1 9 18.5zM5.5 15A1.5 1.5 0 0 1 4.5 13.5v-8A1.5 1.5 0 0 1 6 4h7.5A1.5 1.5 0 0 1 15 5.5",
  save: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  down: "M7 4v9M7 13l4.2 6.6c.6.9 2 .5 2-.6V15h4.6a2 2 0 0 0 2-2.4l-1.3-6.9A2.2 2.2 0 0 0 16.300 4H7M7 4H4.500v9H7",
  again: "M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5",
  edit: "M4.5 19.5l.9-4L16 4.9a1.8 1.8 0 0 1 2.6 0l.5.5a1.8 1.8 0 0 1 0 2.6L8.5 18.6z",
  rewind: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5",
  close: "M6 6l12 12M18 6L6 18",
  hands: "M4 12h2M8 8v8M12 5v14M16 8v8M20 12h-2",
  check: "M5 12.5l4.5 4.5L19 7.5",
  ear: "M7 10a5 5 0 1 1 10 0c0 3-3 3.8-3 6.5a3 3 0 0 1-5.5 1.7M10 10a2 2 0 0 1 4 0",
  light: "M12 8.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1",
  right: "M5 12h14M13 6l6 6-6 6",
  share: "M12 4v11M8 7.5L12 3.5l4 4M6 11H5v9h14v-9h-1",
  left: "M19 12H5M11 6l-6 6 6 6",
  spark: "M11 4l1.8 5.2L18 11l-5.2 1.8L11 18l-1.800-5.200L4 11l5.200-1.800zM18.500 15.500l.9 2.100 2.100.9-2.100.9-.9 2.100-.9-2.100-2.100-.9 2.100-.9z",
  dice: "M6.500 4.500h11a2 2 0 0 1 2 2v11a2 2 0 0 1-2 2h-11a2 2 0 0 1-2-2v-11a2 2 0 0 1 2-2zM8.700 8.800a.1.1 0 1 0 .2 0a.1.1 0 1 0-.2 0M15.100 8.800a.1.1 0 1 0 .2 0a.1.1 0 1 0-.2 0M11.900 12a.1.1 0 1 0 .2 0a.1.1 0 1 0-.2 0M8.700 15.200a.1.1 0 1 0 .2 0a.1.1 0 1 0-.2 0M15.100 15.200a.1.1 0 1 0 .2 0a.1.1 0 1 0-.2 0",
  photo: "M4.5 7.5A2.5 2.5 0 0 1 7 5h10a2.5 2.5 0 0 1 2.5 2.5v9A2.5 2.5 0 0 1 17 19H7a2.5 2.5 0 0 1-2.5-2.5zM5 16l4-4 3.5 3.5L15 13l4 4M15 9.2a.9.9 0 1 0 0-.1",
  camera: "M4 9.5A1.5 1.5 0 0 1 5.5 8H8l1.5-2.5h5L16 8h2.5A1.5 1.5 0 0 1 20 9.5v8a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM12 16.5a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
  paste: "M9 5H7a1.5 1.5 0 0 0-1.5 1.5v12A1.5 1.5 0 0 0 7 20h10a1.5 1.5 0 0 0 1.5-1.5v-12A1.5 1.5 0 0 0 17 5h-2M9 4h6v3H9zM9 12h6M9 15.5h4",
  box: "M4.5 8L12 4l7.5 4v8L12 20l-7.5-4zM4.5 8l7.5 4 7.5-4M12 12v8",
  film: "M4.5 6h15v12h-15zM8 6v12M16 6v12M4.5 10H8M4.5 14H8M16 10h3.5M16 14h3.5",
  lock: "M7 11h10v8H7zM9 11V8a3 3 0 0 1 6 0v3",
  open: "M7 11h10v8H7zM9 11V8a3 3 0 0 1 5.8-1",
  play: "M8 5.5v13l10.5-6.5z",
  person: "M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20a7.5 7.5 0 0 1 15 0",
  card: "M4.5 6h15v12h-15zM9 13a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6.5 16a2.6 2.6 0 0 1 5 0M14 10h3M14 13.5h3",
  chat: "M5 6h14v10H11l-4 3.5V16H5z",
  hand: "M5 12l4-1M12 5l-1 4M19 12l-4 1M12 19l1-4M12 12m-2.2 0a2.2 2.2 0 1 0 4.4 0a2.2 2.2 0 1 0-4.4 0",
  bookmark: "M7 4.5h10v15l-5-4-5 4z",
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

/** A form in a sheet that asks before something is done; what goes wrong is said in it. @param {{note?: string, fields?: any[], action: string, bad?: boolean,
 * run: () => Promise<any>, close: () => void}} asked */
export function asking({ note = "", fields = [], action, bad = false, run, close }) {
  const trouble = h("p", { class: "beside", role: "alert", hidden: true }), go = h("button", { type: "submit", class: bad ? "small danger" : "small strong", t: action });
  const form = h("form", { method: "dialog", class: "sheet-form" }, note && h("p", { class: "soft", t: note }), ...fields, trouble,
    h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "cancel", onclick: close }), go));
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    go.disabled = true;
    try { await run(); close(); }
    catch (error) { trouble.hidden = false; trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim(); }
    go.disabled = false;
  });
  return form;
}
