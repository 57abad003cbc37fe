/** The top of the page: its name, its places, the engines in use, the language, the settings. */
import { h, iconButton } from "./dom.js";
import { engineName, enginesList } from "./settings.js";

/** Places that exist. More come with their pages. */
const PLACES = ["talk", "studio"];

export class Bar {
  /** @param {{language(): void, settings(): void, models(): void}} does */
  constructor(does) {
    this.does = does;
    this.dot = h("i", { class: "dot" });
    this.short = h("span");
    this.more = h("div", { class: "pop", popover: "auto", id: "twin-engines" });
    this.pill = h("button", { type: "button", class: "pill", popovertarget: "twin-engines", hidden: true, tip: "engines" }, this.dot, this.short);
    this.element = h("header", { class: "bar" }, h("span", { class: "brand" }, mark(), "Twin"),
      h("nav", { tip: "places", hidden: true }, ...PLACES.map((place, i) => h("a", { href: "#" + place, "aria-current": i ? null : "page", t: place }))),
      h("span", { class: "gap" }), this.pill, this.more,
      h("button", { type: "button", class: "pill lang", t: "other_language", onclick: () => does.language() }),
      iconButton("settings", "settings", () => does.settings(), { class: "round" }));
    this.nav = /** @type {HTMLElement} */ (this.element.querySelector("nav"));
    this.more.addEventListener("beforetoggle", () => {
      const box = this.pill.getBoundingClientRect();
      this.more.style.top = box.bottom + 8 + "px";
      this.more.style.right = innerWidth - box.right + "px";
    });
  }

  /** @param {any} engines */
  setEngines(engines) {
    const mind = engineName(engines.think?.name), voice = engineName(engines.speak?.name);
    this.short.replaceChildren(mind, h("span", { class: "voice" }, mind && voice ? " · " + voice : voice));
    this.pill.hidden = !mind && !voice;
    this.more.replaceChildren(h("h2", { t: "engines" }), enginesList(engines), h("p", { class: "soft", t: engines.think?.away ? "engines_away" : "engines_note", args: { host: engines.think?.away ?? "" } }),
      h("button", { type: "button", class: "small", t: "choose_models", onclick: () => { this.more.hidePopover(); this.does.models(); } }));
  }

  /** @param {string} place the one that is shown */
  setPlace(place) {
    for (const link of this.nav.children) if (link.getAttribute("href") === "#" + place) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }

  /** Whether there are places to turn to. @param {boolean} some */
  setPlaces(some) { this.nav.hidden = !some; }

  /** @param {boolean} on */
  setOnline(on) { this.dot.classList.toggle("off", !on); }
}

/** Two rings, one of them filled. */
function mark() {
  const span = h("span", { class: "mark", "aria-hidden": "true" });
  span.append(h("i"), h("i"));
  return span;
}

