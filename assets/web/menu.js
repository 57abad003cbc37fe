/** A small menu under a button, closed by itself. */
import { h, icon, iconButton } from "./dom.js";

let count = 0;

/** @param {[icon: any, key: string, run: () => void][]} items @returns {DocumentFragment} the button and its menu */
export const menu = (items) => popover(iconButton("more", "more", () => {}, { "aria-haspopup": "menu" }), items);

/** The same under a button of its own. @param {HTMLButtonElement} button @param {[icon: any, key: string, run: () => void][]} items */
export function popover(button, items) {
  const id = "twin-menu-" + ++count;
  const list = h("div", { class: "pop menu", popover: "auto", id, role: "menu" }, ...items.map(([name, key, run]) =>
    h("button", { type: "button", role: "menuitem", onclick: () => { list.hidePopover(); run(); } }, icon(name), h("span", { t: key }))));
  button.setAttribute("popovertarget", id);
  list.addEventListener("beforetoggle", () => {
    const box = button.getBoundingClientRect(), high = 16 + 40 * items.length;
    list.style.top = Math.max(8, Math.min(box.bottom + 6, innerHeight - high - 8)) + "px";
    list.style.right = Math.max(8, Math.min(innerWidth - box.right, innerWidth - 240)) + "px";
  });
  list.addEventListener("toggle", (event) => { if (event.newState === "open") list.querySelector("button")?.focus(); });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key], buttons = [...list.querySelectorAll("button")].filter((button) => button.checkVisibility());
    if (!step) return;
    event.preventDefault();
    buttons[(buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length].focus();
  });
  const both = document.createDocumentFragment();
  both.append(button, list);
  return both;
}
