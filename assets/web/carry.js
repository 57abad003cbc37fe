/** Taking a conversation along: to the clipboard, or as a file. */
import { h } from "./dom.js";
import { word } from "./words.js";

/** @param {string} text @param {import("./notices.js").Notices} notices */
export async function copy(text, notices) {
  try {
    await navigator.clipboard.writeText(text);
    notices.show(word("copied"), "", { kind: "good" });
  } catch { notices.tell("copy_failed"); }               // NotAllowedError, or no clipboard in this context
}

/** @param {string} text Markdown @param {string} name */
export function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/markdown" }));
  h("a", { href: url, download: `${name}-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.md` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
