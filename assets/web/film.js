/** A film with a twin: what it says, the shape, captions; drawn on the server while a bar fills, then saved. */
import { ask, askLines, hand } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { own, word } from "./words.js";

const LONGEST = 2000;                                   // characters
const SHAPES = { "16:9": [26, 15], "1:1": [19, 19], "9:16": [13, 23] };

/** @param {HTMLElement} place @param {any} twin */
export function filmDialog(place, twin) {
  let stop = null, film = null;
  const text = h("textarea", { class: "box", rows: 4, id: "film-text", maxlength: LONGEST, placeholder: word("film_p") }), length = h("small", { class: "soft" });
  const shapes = h("div", { class: "shapes", role: "radiogroup", "aria-label": word("film_aspect") }, ...Object.entries(SHAPES).map(([shape, [w, hi]], n) => h("label", {},
    h("input", { type: "radio", name: "film-shape", value: shape, checked: n === 0 }), h("span", {}, h("i", { style: `width:${w}px;height:${hi}px` }), shape))));
  const captions = h("input", { type: "checkbox" }), trouble = h("p", { class: "beside", role: "alert", hidden: true });
  const bar = h("progress", { max: 1, value: 0 }), note = h("span"), percent = h("b"), video = h("video", { controls: true, playsinline: true, hidden: true });
  const progress = h("div", { class: "progress", role: "status", hidden: true }, h("div", { class: "progress-head" }, note, percent), bar, h("button", { type: "button", class: "small", onclick: () => stop?.abort() }, h("span", { t: "build_cancel" })));
  const go = h("button", { type: "submit", class: "small strong" }, icon("film"), h("span", { t: "film_make" }));
  const saveIt = h("button", { type: "button", class: "small strong", hidden: true, onclick: () => film && hand(film, `${twin.id}.mp4`) }, icon("save"), h("span", { t: "film_save" }));
  const again = h("button", { type: "button", class: "small", hidden: true, onclick: () => turn("write") }, h("span", { t: "film_again" }));
  const writing = h("div", { class: "form" }, h("div", { class: "f" }, h("label", { class: "field-label", for: "film-text" }, h("span", { t: "film_text" }), length), text),
    h("div", { class: "film-row" }, shapes, h("label", { class: "check" }, captions, h("span", { t: "film_captions" }))));
  const form = h("form", { class: "sheet-form" }, writing, progress, video, trouble, h("p", { class: "soft small-text", t: "film_note" }), h("div", { class: "answers" }, again, saveIt, go));
  const dialog = h("dialog", { class: "sheet film", "aria-labelledby": "film-title" },
    h("header", {}, h("h2", { id: "film-title", t: "film_title", args: { name: own(twin.name) } }), iconButton("close", "close", () => dialog.close(), { class: "round ghost" })), form);

  /** @param {"write" | "draw" | "done"} state */
  function turn(state) {
    writing.hidden = go.hidden = state !== "write";
    progress.hidden = state !== "draw";
    video.hidden = saveIt.hidden = again.hidden = state !== "done";
  }

  text.addEventListener("input", () => {
    const seconds = Math.round(/[\u3400-\u9fff]/.test(text.value) ? text.value.length / 4.6 : text.value.length / 15);
    length.textContent = seconds > 1 ? word("film_length", { s: seconds }) : "";
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!text.value.trim()) { text.focus(); return; }
    stop = new AbortController();
    trouble.hidden = true;
    turn("draw");
    try {
      let id = "";
      const json = { text: text.value, aspect: form.querySelector("[name=film-shape]:checked").value, captions: captions.checked };
      for await (const line of askLines(`twins/${twin.id}/film`, { json, signal: stop.signal })) {
        if (line.film) id = line.film;
        bar.value = line.film ? 1 : line.done ?? 0;
        percent.textContent = Math.round(100 * bar.value) + " %";
        note.textContent = own(line.note) || word("film_making");
      }
      film = new Blob([await (await ask("media/films/" + id, { signal: stop.signal })).blob()], { type: "video/mp4" });
      video.src = URL.createObjectURL(film);
      turn("done");
    } catch (error) {
      turn("write");
      if (error.name === "AbortError") return;
      trouble.hidden = false;
      trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
    }
  });
  dialog.addEventListener("close", () => { stop?.abort(); if (video.src) URL.revokeObjectURL(video.src); dialog.remove(); });
  place.append(dialog);
  turn("write");
  dialog.showModal();
  text.focus();
}
