/** What this file is: how it answers, what it cannot, what leaves it, whose face it shows, which marks it carries. */
import { data, fetchOwn } from "./alone_files.js";
import { h, iconButton } from "./dom.js";
import { getLanguage, word } from "./words.js";

export class About {
  /** @param {string} host that is asked, or "" */
  constructor(host) {
    this.host = host;
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "alone-about" });
    this.element.addEventListener("click", (/** @type {Event} */ event) => { if (event.target === this.element) this.element.close(); });
  }

  open() {
    const { made } = data, when = new Date(made.when).toLocaleDateString(getLanguage() === "zh" ? "zh-CN" : "en-GB", { dateStyle: "long" });
    const rows = [["alone_what", [word("alone_what_text", made), made.documents && word(made.documents === 1 ? "alone_what_document" : "alone_what_documents", { n: made.documents })].filter(Boolean).join(getLanguage() === "zh" ? "" : " ")], ["alone_cannot", word("alone_cannot_text")],
      ["alone_leaves", word(this.host ? "alone_leaves_asks" : "alone_leaves_nothing", { host: this.host })],
      ["alone_consent", word("alone_consent_" + (made.scope || "none"))],
      ["alone_marks", word(made.credentials ? "alone_marks_text" : "alone_marks_none")], ["alone_made", `${when} · Twin ${made.version}`]];
    this.element.replaceChildren(
      h("header", {}, h("h2", { id: "alone-about", t: "alone_about" }), iconButton("close", "close", () => this.element.close(), { class: "round ghost" })),
      h("div", { class: "rows" }, ...rows.map(([key, text]) => h("div", { class: "row" }, h("span", { class: "row-name", t: key }), h("span", {}, text))),
        made.credentials && h("div", { class: "row" }, h("span"), h("button", { type: "button", class: "small", t: "alone_portrait", onclick: () => this.portrait() }))));
    this.element.showModal();
  }

  async portrait() {
    const url = URL.createObjectURL(await (await fetchOwn("/portrait.webp")).blob());
    h("a", { href: url, download: `${data.twin.id}.webp` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
