/** What an own twin knows: its documents, added, read, kept private, removed; a question to try; and a map of who and what. */
import { askJson, askLines, coded } from "./api.js";
import { h, icon, iconButton, say } from "./dom.js";
import { Goods, isCatalogue } from "./goods.js";
import { recall, remember } from "./keep.js";
import { Map as Drawn } from "./knowledge_map.js";
import { WORDS, own, word } from "./words.js";

Object.assign(WORDS, {
  know_title: ["What {name} knows", "{name}知道的"], know_docs: ["Documents", "文档"], know_map: ["Map", "图谱"], know_views: ["What is shown", "显示内容"],
  know_drop: ["Drop documents here", "把文档拖到这里"], know_choose: ["Choose documents", "选择文档"], know_drop_or: ["or choose some: PDF, Word, Markdown, HTML, text", "或者选几份：PDF、Word、Markdown、HTML、文本"],
  know_keeps: ["Only the text is kept, with this twin. It is quoted with its source, never obeyed.", "只保留文字，跟着这个分身。回答时会说明出处，文档里的话不会被当成指令。"],
  know_none: ["No documents yet. A handbook, a price list or a family history is a good start.", "还没有文档。手册、价目表、家史都是不错的开始。"],
  know_private: ["Private", "私密"], know_private_tip: ["Private: used here, and goes nowhere when the twin is shared", "私密：只在这里使用，分享分身时不会带走"],
  know_pages: ["{n} pages", "{n} 页"], know_page: ["1 page", "1 页"], know_passages: ["{n} passages", "{n} 段"], know_passage: ["1 passage", "1 段"],
  know_open: ["Read {name}", "查看{name}"], know_remove: ["Remove {name}", "删除{name}"], know_remove_title: ["Remove “{name}”?", "删除《{name}》？"],
  know_remove_text: ["The twin forgets it and all that was learnt from it. This cannot be undone.", "分身会忘掉它和从中学到的一切。此操作无法撤销。"], know_remove_do: ["Remove", "删除"],
  know_try: ["Try a question", "试问一句"], know_try_p: ["What would somebody ask?", "别人会问什么？"], know_ask: ["Find", "查找"],
  know_said: ["It would say this", "它会这样回答"], know_unsure: ["Nearest, but not sure enough to say", "最接近，但把握不够，不会说"], know_nothing: ["No document says anything about that.", "没有文档提到这个。"],
  know_from: ["{source}", "《{source}》"], know_at: ["page {n}", "第 {n} 页"], know_stop: ["Stop", "停止"], know_busy: ["{name}: {note}", "{name}：{note}"], know_more: ["Show more", "显示更多"],
  know_added: ["“{name}” is known now.", "《{name}》学好了。"], know_empty_map: ["Nothing to draw yet. Facts and documents that say who lives where, who made what, or what costs how much appear here.", "还没有可画的。事实和文档里写到谁住在哪、谁做了什么、什么多少钱，就会出现在这里。"],
  know_map_of: ["Map of {nodes} people, places and things", "{nodes} 个人物、地点和事物的图谱"], know_map_hint: ["Choose a circle or a line to see where it comes from. Drag to move, scroll to come closer.", "点圆点或连线看出处。拖动可移动，滚动可缩放。"],
  know_map_touch: ["Tap a circle or a line to see where it comes from.", "点圆点或连线看出处。"], know_left: ["{n} less connected ones are not drawn.", "还有 {n} 个联系较少的没有画出。"],
  know_model: ["Let the model at {host} read how things are related", "让 {host} 上的模型读出人和事物的关系"], know_model_away: ["The text of the document goes to {host} for that.", "文档的文字会为此发到 {host}。"], know_model_here: ["It runs on this machine.", "它就在这台机器上运行。"],
  know_card: ["the character", "人物设定"], know_memory: ["what you told", "你告诉过我的"], know_node: ["{name}, {n} connections", "{name}，{n} 个联系"], know_closer: ["Closer", "放大"], know_further: ["Further", "缩小"],
  kind_person: ["people", "人物"], kind_place: ["places", "地点"], kind_time: ["times", "时间"], kind_price: ["figures", "数字"], kind_thing: ["things", "事物"],
});

export class Knowledge {
  /** @param {import("./mine.js").Mine} mine @param {any} twin */
  constructor(mine, twin) {
    Object.assign(this, { mine, twin, base: `twins/${twin.id}/knowledge` });
    /** @type {any[]} */
    this.documents = [];
    /** @type {Set<AbortController>} */
    this.running = new Set();
    this.file = h("input", { type: "file", multiple: true, hidden: true, tip: "know_choose", accept: ".pdf,.docx,.md,.markdown,.html,.htm,.txt,application/pdf,text/*", onchange: () => { this.take([...this.file.files]); this.file.value = ""; } });
    this.drop = h("button", { type: "button", class: "drop know-drop", onclick: () => this.file.click() }, icon("paste"), h("b", { t: matchMedia("(hover: none)").matches ? "know_choose" : "know_drop" }), h("span", { t: "know_drop_or" }));
    this.doing = h("div", { class: "know-doing", role: "status" });
    this.list = h("ul", { class: "know-list" });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.found = h("div", { class: "know-found", "aria-live": "polite" });
    this.question = h("input", { class: "box", id: "know-question", maxlength: 300, placeholder: word("know_try_p"), autocomplete: "off" });
    this.trying = h("form", { class: "know-try", hidden: true, onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); this.ask(); } },
      h("label", { class: "field-label", for: "know-question" }, h("span", { t: "know_try" })), h("div", {}, this.question, h("button", { type: "submit", class: "small", t: "know_ask" })), this.found);
    this.model = h("label", { class: "know-switch know-model", hidden: true }, (this.modelWords = h("span")), (this.byModel = h("input", { type: "checkbox", "aria-describedby": "know-model-note", onchange: () => remember("byModel", this.byModel.checked) })));
    this.docs = h("div", { class: "know-docs" }, this.drop, this.file, this.model, this.doing, this.list, this.trying, h("p", { class: "soft small-text", t: "know_keeps" }));
    this.map = h("div", { class: "know-map", hidden: true });
    this.goods = new Goods(mine, twin, (run) => this.tried(run));
    const views = h("div", { class: "segments share-ways", role: "radiogroup", tip: "know_views" }, ...["docs", "goods", "map"].map((view, n) => h("label", {},
      h("input", { type: "radio", name: "know-view", value: view, checked: n === 0, onchange: () => this.show(view) }), h("span", { t: "know_" + view }))));
    this.dialog = mine.dialog("know_title", { name: own(twin.name) }, h("div", { class: "sheet-form knowledge" }, views, this.trouble, this.docs, this.goods.element, this.map));
    this.dialog.classList.add("know-sheet");
    this.dialog.addEventListener("close", () => { this.running.forEach((one) => one.abort()); this.drawn?.stop(); });
    for (const kind of ["dragenter", "dragover"]) this.dialog.addEventListener(kind, (/** @type {DragEvent} */ event) => { event.preventDefault(); this.dropping("add"); });
    for (const kind of ["dragleave", "drop"]) this.dialog.addEventListener(kind, () => this.dropping("remove"));
    this.dialog.addEventListener("drop", (/** @type {DragEvent} */ event) => { event.preventDefault(); this.take([...event.dataTransfer?.files ?? []]); });
    this.load();
    this.goods.load();
  }

  async load() { await this.tried(async () => this.told(await askJson(this.base))); }

  /** Do something; what goes wrong stands in the sheet. @param {() => Promise<any>} run */
  async tried(run) {
    this.trouble.hidden = true;
    try { return await run(); }
    catch (error) {
      if (error.name === "AbortError") return null;
      this.trouble.hidden = false;
      this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
      return null;
    }
  }

  /** @param {{documents: any[], reader?: {host: string, here: boolean} | null}} told */
  told({ documents, reader }) {
    this.documents = documents;
    if (reader) {
      this.model.hidden = false;
      this.byModel.checked = recall("byModel", reader.here);             // a text goes to another machine only if somebody says so
      this.modelWords.replaceChildren(h("span", { t: "know_model", args: { host: reader.host } }), h("small", { id: "know-model-note", t: reader.here ? "know_model_here" : "know_model_away", args: { host: reader.host } }));
    }
    this.trying.hidden = !documents.length;
    this.list.replaceChildren(...(documents.length ? documents.map((one) => this.row(one)) : this.running.size ? [] : [h("li", { class: "soft none", t: "know_none" })]));
  }

  /** @param {any} one */
  row(one) {
    const name = one.title, switched = h("input", { type: "checkbox", checked: one.private, tip: "know_private_tip", onchange: () => this.tried(async () => this.told(await askJson(`${this.base}/${one.id}`, { json: { private: switched.checked } }))) });
    const about = [one.kind.toUpperCase(), one.pages && (one.pages === 1 ? word("know_page") : word("know_pages", { n: one.pages })), one.passages === 1 ? word("know_passage") : word("know_passages", { n: one.passages }), size(one.size)];
    return h("li", {}, h("button", { type: "button", class: "know-name", tip: "know_open", args: { name }, onclick: () => this.read(one) }, h("b", {}, name), h("small", {}, about.filter(Boolean).join(" · "))),
      h("label", { class: "know-switch" }, h("span", { t: "know_private" }), switched), iconButton("trash", "know_remove", () => this.remove(one), { args: { name } }));
  }

  /** @param {any} one */
  remove(one) {
    this.mine.ask("know_remove_title", { name: { en: one.title, zh: one.title } }, [], "know_remove_do", async () => this.told(await askJson(`${this.base}/${one.id}`, { method: "DELETE" })), { note: "know_remove_text", bad: true });
  }

  /** @param {"add" | "remove"} how */
  dropping(how) { for (const place of [this.drop, this.goods.drop]) place.classList[how]("over"); }

  /** One after the other; a table is a catalogue of goods. @param {File[]} files */
  async take(files) {
    for (const file of files.slice(0, 20)) {
      if (!isCatalogue(file)) { await this.add(file); continue; }
      /** @type {HTMLInputElement} */ (this.dialog.querySelector("input[value=goods]")).click();
      await this.goods.take(file);
    }
  }

  /** @param {File} file */
  async add(file) {
    const stop = new AbortController(), bar = h("progress", { max: 1, value: 0 }), note = h("span", {}, file.name);
    const row = h("div", { class: "know-row" }, h("div", {}, note, h("button", { type: "button", class: "small", t: "know_stop", onclick: () => stop.abort() })), bar);
    this.running.add(stop);
    this.doing.append(row);
    if (!this.documents.length) this.list.replaceChildren();
    await this.tried(async () => {
      const headers = { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name), ...(this.byModel.checked && !this.model.hidden ? { "X-Twin-Model": "1" } : {}) };
      for await (const line of askLines(this.base, { body: file, headers, signal: stop.signal })) {
        if (line.documents) {
          this.told(line);
          say(note, "know_added", { name: line.document.title });
          this.stale = true;
          if (line.notes?.length) this.mine.does.notices.show(own(line.notes[0]), "");
        } else {
          bar.value = line.done ?? 0;
          note.textContent = word("know_busy", { name: file.name, note: own(line.note) });
        }
      }
    });
    this.running.delete(stop);
    row.remove();
    this.told({ documents: this.documents });
  }

  /** The text of a document, a sheet of its own. @param {any} one */
  async read(one) {
    const list = h("div", { class: "know-text" }), more = h("button", { type: "button", class: "small", t: "know_more", hidden: true, onclick: () => next() });
    let from = 0, heading = "";
    const next = () => this.tried(async () => {
      const { passages, document } = await askJson(`${this.base}/${one.id}?from=${from}`);
      for (const part of passages) {
        if (part.heading && part.heading !== heading) list.append(h("h3", {}, part.heading));
        heading = part.heading;
        list.append(h("p", {}, part.text, part.page ? h("small", {}, " " + word("know_at", { n: part.page })) : null));
      }
      from += passages.length;
      more.hidden = from >= document.passages;
    });
    const dialog = this.mine.dialog("know_from", { source: one.title }, list, h("div", { class: "answers" }, more));
    dialog.classList.add("wide-sheet");
    await next();
  }

  async ask() {
    const text = this.question.value.trim();
    if (!text) { this.question.focus(); return; }
    await this.tried(async () => {
      const { passages } = await askJson(this.base + "/find", { json: { text } }), [best] = passages;
      if (!best?.best) { this.found.replaceChildren(h("p", { class: "soft", t: "know_nothing" })); return; }
      this.found.replaceChildren(h("blockquote", { class: best.said ? "sure" : "" }, h("small", {}, icon(best.said ? "check" : "ear"), h("span", { t: best.said ? "know_said" : "know_unsure" })), h("p", {}, best.best),
        h("cite", {}, [word("know_from", { source: best.source }), best.page && word("know_at", { n: best.page }), best.heading].filter(Boolean).join(" · "))));
    });
  }

  /** @param {string} view */
  async show(view) {
    this.trouble.hidden = true;
    this.docs.hidden = view !== "docs";
    this.goods.element.hidden = view !== "goods";
    this.map.hidden = view !== "map";
    if (view !== "map" || (this.drawn && !this.stale)) return;
    this.stale = false;
    await this.tried(async () => {
      const graph = await askJson(`twins/${this.twin.id}/graph`);
      this.drawn?.stop();
      this.map.replaceChildren();
      if (!graph.nodes.length) { this.map.append(h("p", { class: "soft none", t: "know_empty_map" })); return; }
      this.drawn = new Drawn(graph);
      this.map.append(this.drawn.element);
      this.drawn.start();
    });
  }
}

/** @param {number} bytes */
const size = (bytes) => (bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MB` : `${Math.max(1, Math.round(bytes / 1024))} kB`);
