/** The card of the first visit: one sentence on what this is. */
import { h } from "./dom.js";
import { recall, remember } from "./keep.js";
import { own, word } from "./words.js";

/** @param {HTMLElement} place @param {any} twin */
export function welcome(place, twin) {
  if (recall("seen", false)) { place.replaceChildren(); return; }
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  const args = { name: own(twin.name), host: word(here ? "this_machine" : "that_machine") };
  const done = () => { remember("seen", true); place.replaceChildren(); };
  place.replaceChildren(h("div", { class: "hello" }, h("p", {}, word("welcome", args)), h("button", { type: "button", class: "small", t: "got_it", onclick: done })));
}
