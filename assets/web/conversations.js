/** Earlier conversations: look, take one up again, delete one. */
import { h, icon, iconButton } from "./dom.js";
import { getLanguage, own, word } from "./words.js";

export class Conversations {
  /** @param {{list(): void, resume(id: string): void, forget(id: string): void}} does */
  constructor(does) {
    this.does = does;
    this.list = h("ul", { class: "earlier" });
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "twin-earlier" },
      h("header", {}, h("h2", { id: "twin-earlier", t: "earlier" }), iconButton("close", "close", () => this.element.close(), { class: "round ghost" })), this.list);
    this.element.addEventListener("click", (event) => { if (event.target === this.element) this.element.close(); });
  }

  open() {
    this.list.replaceChildren();
    this.element.showModal();
    this.does.list();
  }

  /** @param {{id: string, twin: string, title: string, when: string | number}[]} items @param {any[]} twins @param {string} current */
  show(items, twins, current) {
    if (!items.length) { this.list.replaceChildren(h("li", { class: "soft", t: "no_earlier" })); return; }
    this.list.replaceChildren(...items.map(({ id, twin, title, when }) => {
      const who = twins.find((other) => other.id === twin);
      const take = h("button", { type: "button", class: "take", "aria-current": id === current ? "true" : null, onclick: () => { this.element.close(); if (id !== current) this.does.resume(id); } },
        h("b", {}, title || word("untitled")), h("small", {}, [own(who?.name) || twin, date(when), id === current && word("current")].filter(Boolean).join(" · ")));
      return h("li", {}, take, h("button", { type: "button", class: "round tiny", tip: "forget", onclick: () => this.does.forget(id) }, icon("trash")));
    }));
  }
}

/** @param {string | number} when seconds, milliseconds or an ISO date */
function date(when) {
  const value = new Date(typeof when === "number" && when < 1e11 ? when * 1000 : when);
  if (Number.isNaN(value.getTime())) return "";
  const here = getLanguage() === "zh" ? "zh-CN" : "en-GB", now = new Date(), time = value.toLocaleTimeString(here, { hour: "2-digit", minute: "2-digit" });
  return value.toDateString() === now.toDateString() ? `${word("today")} ${time}` : `${value.toLocaleDateString(here, { day: "numeric", month: "short" })} ${time}`;
}
