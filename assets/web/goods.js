/** The goods of an own twin: one catalogue file, handed in, looked at, tried, removed; rows that could not be read are named by their line. */
import { askJson, coded } from "./api.js";
import { h, icon, iconButton, say } from "./dom.js";
import { WORDS, getLanguage, own, word } from "./words.js";

Object.assign(WORDS, {
  know_goods: ["Goods", "商品"], goods_choose: ["Choose a catalogue", "选择商品目录"], goods_drop: ["Drop a catalogue here", "把商品目录拖到这里"],
  goods_drop_or: ["CSV or JSON: name, price, tags, description. Save an Excel table as CSV first.", "CSV 或 JSON：名称、价格、标签、介绍。Excel 表格请先另存为 CSV。"],
  goods_none: ["No catalogue yet. With one, it recommends what fits and says the price; and says so when nothing does.", "还没有商品目录。有了目录，它会推荐合适的、说出价格；没有合适的也会直说。"],
  goods_count: ["{n} goods", "{n} 件商品"], goods_one: ["1 good", "1 件商品"], goods_first: ["the first {n}", "前 {n} 件"], goods_remove: ["Remove {name}", "删除{name}"], goods_remove_title: ["Remove “{name}”?", "删除“{name}”？"],
  goods_remove_text: ["The twin has no goods any more. This cannot be undone.", "分身就没有商品了，无法撤销。"], goods_kept: ["Kept: {n} goods.", "已保存：{n} 件商品。"], goods_notes: ["Look over these lines of the file:", "请看看文件里的这些行："], goods_left: ["and {n} more", "还有 {n} 处"],
  goods_try: ["Try a wish", "试一试"], goods_try_p: ["Something for hiking under 50", "登山用的，五百以内"], goods_keeps: ["Visitors see every price in it. It travels with the twin when you share it.", "来访者能问到里面的每个价格。分享分身时会一起带走。"], goods_name: ["Name", "名称"], goods_price: ["Price", "价格"], goods_tags: ["For", "适合"],
});

/** What is a catalogue and no document. @param {File} file */
export const isCatalogue = (file) => /\.(csv|json|ya?ml|xlsx?|numbers|ods)$/i.test(file.name);

/** @param {string} twin its id @param {File} file @returns {Promise<any>} what is kept; throws ApiError */
export const hand = (twin, file) => askJson(`twins/${twin}/catalogue`, { body: file, headers: { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name) } });

export class Goods {
  /** @param {import("./mine.js").Mine} mine @param {any} twin @param {(run: () => Promise<any>) => Promise<any>} tried */
  constructor(mine, twin, tried) {
    Object.assign(this, { mine, twin, tried, base: `twins/${twin.id}/catalogue` });
    this.file = h("input", { type: "file", hidden: true, tip: "goods_choose", accept: ".csv,.json,.yaml,.yml,text/csv,application/json", onchange: () => { const [one] = this.file.files; this.file.value = ""; if (one) this.take(one); } });
    this.drop = h("button", { type: "button", class: "drop know-drop", onclick: () => this.file.click() }, icon("paste"), h("b", { t: matchMedia("(hover: none)").matches ? "goods_choose" : "goods_drop" }), h("span", { t: "goods_drop_or" }));
    this.state = h("p", { role: "status", class: "soft" });
    this.notes = h("div", { class: "goods-notes", hidden: true });
    this.list = h("div", { class: "goods-list" });
    this.found = h("div", { class: "know-found", "aria-live": "polite" });
    this.wish = h("input", { class: "box", id: "goods-wish", maxlength: 300, placeholder: word("goods_try_p"), autocomplete: "off" });
    this.trying = h("form", { class: "know-try", hidden: true, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.ask(); } },
      h("label", { class: "field-label", for: "goods-wish" }, h("span", { t: "goods_try" })), h("div", {}, this.wish, h("button", { type: "submit", class: "small", t: "know_ask" })), this.found);
    this.element = h("div", { class: "know-goods", hidden: true }, this.drop, this.file, this.state, this.notes, this.list, this.trying, h("p", { class: "soft small-text", t: "goods_keeps" }));
  }

  async load() { await this.tried(async () => this.told(await askJson(this.base))); }

  /** @param {File} file */
  async take(file) {
    this.notes.hidden = true;
    say(this.state, "sending", { percent: 0 });
    const told = await this.tried(() => hand(this.twin.id, file));
    if (!told) { this.quiet(); return; }
    this.told(told);
    say(this.state, "goods_kept", { n: told.catalogue.goods });
    if (told.notes.length) {
      this.notes.replaceChildren(h("b", { t: "goods_notes" }), h("ul", {}, ...told.notes.map((/** @type {any} */ note) => h("li", {}, own(note))), told.left ? h("li", { t: "goods_left", args: { n: told.left } }) : null));
      this.notes.hidden = false;
    }
  }

  quiet() { delete this.state.dataset.t; this.state.textContent = ""; }

  /** @param {{catalogue: any}} told */
  told({ catalogue }) {
    this.trying.hidden = !catalogue;
    this.found.replaceChildren();
    if (!catalogue) { this.quiet(); this.notes.hidden = true; this.list.replaceChildren(h("p", { class: "soft none", t: "goods_none" })); return; }
    const { name, goods, rows } = catalogue, tongue = getLanguage();
    const said = (/** @type {any} */ texts) => texts[tongue] ?? Object.values(texts)[0] ?? "", more = goods > rows.length ? " · " + word("goods_first", { n: rows.length }) : "";
    this.list.replaceChildren(h("div", { class: "goods-head" }, h("b", {}, name), h("small", {}, (goods === 1 ? word("goods_one") : word("goods_count", { n: goods })) + more), iconButton("trash", "goods_remove", () => this.remove(name), { args: { name } })),
      h("div", { class: "goods-table", tabindex: 0, role: "region", "aria-label": name }, h("table", {}, h("thead", {}, h("tr", {}, ...["goods_name", "goods_price", "goods_tags"].map((key) => h("th", { scope: "col", t: key })))),
        h("tbody", {}, ...rows.map((/** @type {any} */ row) => h("tr", {}, h("th", { scope: "row" }, said(row.name)), h("td", {}, row.price[tongue]), h("td", {}, [said(row.tags)].flat().join(tongue === "zh" ? "、" : ", "))))))));
  }

  /** @param {string} name */
  remove(name) {
    this.mine.ask("goods_remove_title", { name: { en: name, zh: name } }, [], "know_remove_do", async () => { this.told(await askJson(this.base, { method: "DELETE" })); }, { note: "goods_remove_text", bad: true });
  }

  async ask() {
    const text = this.wish.value.trim();
    if (!text) { this.wish.focus(); return; }
    await this.tried(async () => {
      const { said, found } = await askJson(this.base + "/find", { json: { text } });
      this.found.replaceChildren(h("blockquote", { class: found.length ? "sure" : "" }, h("small", {}, icon(found.length ? "check" : "ear"), h("span", { t: "know_said" })), h("p", {}, said)));
      this.found.scrollIntoView({ block: "nearest" });
    });
  }
}
