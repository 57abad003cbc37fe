/** Training an own twin on its person's words: files brought, progress, pause, how it went before and after, whether it is worn, whether it is shared. */
import { askJson, coded } from "./api.js";
import { h, icon, say } from "./dom.js";
import { WORDS, own, word } from "./words.js";

Object.assign(WORDS, {
  learn_title: ["How {name} talks", "{name}的说话方式"],
  learn_text: ["Bring words of the person: chats they exported (WhatsApp, Telegram, WeChat), letters and diaries they wrote. The mind learns their manner from them; what the twin knows stays as it is.",
    "带来本人说过写过的话：导出的聊天记录（WhatsApp、Telegram、微信）、书信、日记。心智会学他们说话的方式；分身知道的事不变。"],
  learn_private: ["Numbers, addresses, keys and links are cut out, and other people's names with them, as far as they are recognised. Only bring talks that you may use. It all stays with this twin.",
    "能认出的号码、地址、密钥、链接会删掉，别人的名字也会。请只带来你有权使用的对话。所有内容都只跟着这个分身。"],
  learn_drop: ["Drop files here", "把文件拖到这里"], learn_choose: ["Choose files", "选择文件"], learn_or: ["or choose some: .txt, .zip, .json, .md, .docx, .pdf", "或者选几份：.txt、.zip、.json、.md、.docx、.pdf"],
  learn_who: ["Who of them is it?", "其中哪一位是本人？"], learn_messages: ["{n} messages", "{n} 条"], learn_from: ["{n} exchanges", "{n} 段对话"], learn_examples: ["Also its own examples ({n})", "也用它自己的例子（{n}）"],
  learn_begin: ["Train on their words", "用他们的话训练"], learn_short: ["{n} exchanges so far; it takes {least}, and 200 are a good start.", "目前 {n} 段；至少要 {least} 段，200 段左右效果才好。"],
  learn_pupil: ["The model that learns: {name}.", "学习的模型：{name}。"], learn_english: ["{name} knows no Chinese: Chinese words are left out.", "{name} 不懂中文：中文的话会略过。"],
  learn_nobody: ["The model that thinks now cannot be trained here. Switch to the embedded one under Models.", "现在使用的模型不能在这里训练。请在“模型”里换成内置模型。"],
  learn_pause: ["Pause", "暂停"], learn_resume: ["Go on", "继续"], learn_stop: ["Give up", "放弃"], learn_clear: ["Take back", "撤回"], learn_bar: ["Progress of the training", "训练进度"],
  learn_waiting: ["Another training comes first.", "前面还有别的训练。"], learn_paused: ["Paused. What was learned so far is kept.", "已暂停，学到的都保留着。"], learn_beside: ["It goes on when you close this. You can talk meanwhile, a little slower.", "关掉这里也会继续。这期间可以聊天，只是稍慢。"],
  learn_before: ["before", "训练前"], learn_after: ["after", "训练后"], learn_surprise: ["Surprise at words it had not seen (perplexity, lower is better)", "对没见过的话的困惑度（越低越好）"],
  learn_facts: ["Says the fact that it is handed", "说出给它的事实"], learn_abstain: ["Admits what it does not know", "不知道就说不知道"], learn_polite: ["Stays polite", "保持礼貌"], learn_honest: ["Owns to being no person", "承认自己不是真人"],
  learn_on: ["Talk like that", "这样说话"], learn_public: ["Take it along when the twin is shared", "分享分身时带上"], learn_public_tip: ["It was made of private words: whoever has it may coax some of them out", "它来自私人的话：拿到的人可能套出其中一些"],
  learn_forget: ["Forget what was learned", "忘掉学到的"], learn_forget_title: ["Forget how {name} talks?", "忘掉{name}的说话方式？"], learn_forget_text: ["The twin talks as it did before. This cannot be undone.", "分身会恢复原来的说话方式。此操作无法撤销。"],
  learn_report: ["How it went", "训练结果"],
});
const PROBES = ["facts", "abstain", "polite", "honest"], EVERY = 1_000;

export class Learn {
  /** @param {import("./mine.js").Mine} mine @param {any} twin */
  constructor(mine, twin) {
    Object.assign(this, { mine, twin, base: `twins/${twin.id}/words` });
    this.file = h("input", { type: "file", multiple: true, hidden: true, tip: "learn_choose", accept: ".txt,.zip,.json,.jsonl,.md,.docx,.pdf,.html,text/*", onchange: () => { this.take([...this.file.files]); this.file.value = ""; } });
    this.drop = h("button", { type: "button", class: "drop know-drop", onclick: () => this.file.click() }, icon("paste"), h("b", { t: matchMedia("(hover: none)").matches ? "learn_choose" : "learn_drop" }), h("span", { t: "learn_or" }));
    this.brought = h("ul", { class: "know-list" });
    this.who = h("div", { class: "learn-who", role: "group", hidden: true });
    this.examples = h("input", { type: "checkbox", checked: true, onchange: () => this.counted() });
    this.exampled = h("span", {});
    this.count = h("p", { class: "soft small-text", role: "status" });
    this.start = h("button", { type: "button", class: "small strong", t: "learn_begin", onclick: () => this.do("begin", { examples: this.examples.checked }) });
    this.back = h("button", { type: "button", class: "small", t: "learn_clear", onclick: () => this.do("clear", {}) });
    this.pupil = h("p", { class: "soft small-text" });
    this.giving = h("div", { class: "know-docs" }, h("p", { t: "learn_text" }), this.drop, this.file, this.who, this.brought, h("label", { class: "know-switch" }, this.examples, this.exampled), this.count,
      h("div", { class: "answers" }, this.back, this.start), this.pupil, h("p", { class: "soft small-text", t: "learn_private" }));
    this.bar = h("progress", { max: 1, value: 0, tip: "learn_bar" });
    this.note = h("span", { role: "status" });
    this.halt = h("button", { type: "button", class: "small", t: "learn_pause", onclick: () => this.do("pause", {}) });
    this.more = h("button", { type: "button", class: "small strong", t: "learn_resume", onclick: () => this.do("resume", {}) });
    this.running = h("div", { class: "know-row", hidden: true }, h("div", {}, this.note), this.bar, h("div", { class: "learn-acts" }, h("button", { type: "button", class: "small", t: "learn_stop", onclick: () => this.do("stop", {}) }), this.halt, this.more), h("p", { class: "soft small-text", t: "learn_beside" }));
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.result = h("section", { class: "learn-result", hidden: true, "aria-labelledby": "learn-report" });
    this.dialog = mine.dialog("learn_title", { name: own(twin.name) }, h("div", { class: "sheet-form knowledge" }, this.running, this.trouble, this.result, this.giving));
    this.dialog.classList.add("know-sheet");
    this.dialog.addEventListener("close", () => clearTimeout(this.timer));
    for (const kind of ["dragenter", "dragover"]) this.dialog.addEventListener(kind, (/** @type {DragEvent} */ event) => { event.preventDefault(); this.drop.classList.add("over"); });
    for (const kind of ["dragleave", "drop"]) this.dialog.addEventListener(kind, () => this.drop.classList.remove("over"));
    this.dialog.addEventListener("drop", (/** @type {DragEvent} */ event) => { event.preventDefault(); this.take([...event.dataTransfer?.files ?? []]); });
    this.load();
  }

  load() { return this.tried(async () => this.told(await askJson(this.base))); }

  /** Do something; what goes wrong stands in the sheet. @param {() => Promise<any>} run */
  async tried(run) {
    this.trouble.hidden = true;
    try { return await run(); }
    catch (error) {
      this.trouble.hidden = false;
      this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
      return null;
    }
  }

  /** @param {string} what @param {object} json */
  do(what, json) { return this.tried(async () => this.told(await askJson(`${this.base}/${what}`, { json }))); }

  /** @param {any} told */
  told(told) {
    this.now = told;
    const busy = told.state === "waiting" || told.state === "running", held = busy || told.state === "paused";
    clearTimeout(this.timer);
    if (busy && this.dialog.open) this.timer = setTimeout(() => this.load(), EVERY);
    this.running.hidden = !held;
    this.giving.hidden = held;
    this.bar.value = told.done;
    this.halt.hidden = !busy;
    this.more.hidden = busy;
    if (told.state === "waiting") say(this.note, "learn_waiting"); else if (told.state === "paused") say(this.note, "learn_paused"); else { delete this.note.dataset.t; this.note.textContent = own(told.note) || ""; }
    if (told.state === "failed") { this.trouble.hidden = false; this.trouble.textContent = own(told.note); }
    if (!held) this.brought.replaceChildren(...told.files.map((/** @type {any} */ one) => h("li", {}, h("span", { class: "learn-file" }, h("b", {}, one.name), h("small", {}, [word("learn_from", { n: one.exchanges }), ...one.left.map((/** @type {any} */ why) => own(why))].join(" · "))))));
    say(this.exampled, "learn_examples", { n: told.examples });
    this.examples.disabled = !told.examples;
    this.back.hidden = !told.files.length;
    if (told.pupil) say(this.pupil, told.pupil.languages.length && !told.pupil.languages.includes("zh") ? "learn_english" : "learn_pupil", { name: told.pupil.name }); else say(this.pupil, "learn_nobody");
    this.counted();
    this.report(told);
  }

  counted() {
    const { files, examples, least, pupil } = this.now, n = files.reduce((/** @type {number} */ sum, /** @type {any} */ one) => sum + one.exchanges, 0) + (this.examples.checked ? examples : 0);
    this.start.disabled = !pupil || n < least;
    if (n < 200) say(this.count, "learn_short", { n, least }); else say(this.count, "learn_from", { n });
  }

  /** Figures before and after, and the switches. @param {any} told */
  report({ report, learned, on, public: shared }) {
    this.result.hidden = !report && !learned;
    if (this.result.hidden) return;
    const box = (/** @type {string} */ key, /** @type {boolean} */ checked, /** @type {string} */ name, tip = "") => {
      const input = h("input", { type: "checkbox", checked, "aria-describedby": tip && "learn-tip", onchange: () => this.do("switch", { [name]: input.checked }) });
      return h("label", { class: "know-switch" }, input, h("span", { t: key }));
    };
    const { before, after } = report?.probes ?? {}, rows = report ? [["learn_surprise", report.perplexity.before, report.perplexity.after ?? "–"], ...PROBES.filter((kind) => before?.[kind]).map((kind) => ["learn_" + kind, before[kind].join("/"), after?.[kind]?.join("/") ?? "–"])] : [];
    this.result.replaceChildren(h("h3", { id: "learn-report", t: "learn_report" }), report ? h("p", {}, own(report.why)) : "",
      rows.length ? h("div", { class: "learn-table" }, h("table", {}, h("thead", {}, h("tr", {}, h("td"), h("th", { scope: "col", t: "learn_before" }), h("th", { scope: "col", t: "learn_after" }))), h("tbody", {}, ...rows.map(([key, first, then]) => h("tr", {}, h("th", { scope: "row", t: key }), h("td", {}, String(first)), h("td", {}, String(then))))))) : "",
      learned ? h("div", { class: "learn-switches" }, box("learn_on", on, "on"), box("learn_public", shared, "public", "tip"), h("p", { class: "soft small-text", id: "learn-tip", t: "learn_public_tip" }),
        h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "learn_forget", onclick: () => this.mine.ask("learn_forget_title", this.twin, [], "learn_forget", async () => { this.told(await askJson(this.base, { method: "DELETE" })); }, { note: "learn_forget_text", bad: true }) }))) : "");
  }

  /** One after the other. @param {File[]} files */
  async take(files) {
    for (const file of files.slice(0, 12)) await this.bring(file);
  }

  /** @param {File} file @param {string} [speaker] */
  async bring(file, speaker = "") {
    this.who.hidden = true;
    await this.tried(async () => {
      say(this.count, "sending", { percent: 0 });
      const told = await askJson(this.base, { body: file, headers: { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name), "X-Twin-Speaker": coded(speaker) } });
      this.told(told);
      if (!told.speakers) return;
      this.who.replaceChildren(h("p", { t: "learn_who" }), ...told.speakers.slice(0, 12).map((/** @type {[string, number]} */ [name, count]) => h("button", { type: "button", class: "small", onclick: () => this.bring(file, name) }, name, h("small", {}, " " + word("learn_messages", { n: count })))));
      this.who.hidden = false;
      /** @type {HTMLElement | null} */ (this.who.querySelector("button"))?.focus();
    });
    if (this.now) this.counted();
  }
}
