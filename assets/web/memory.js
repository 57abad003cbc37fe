/** What a twin remembers of whoever sits here: facts with when and from which sentence; put right, deleted, saved, erased, switched off. */
import { ask, askJson, hand } from "./api.js";
import { h, icon, iconButton, say } from "./dom.js";
import { shortName } from "./picker.js";
import { WORDS, getLanguage, word } from "./words.js";

Object.assign(WORDS, {
  mem_title: ["What {name} remembers", "{name}记得的事"], mem_on: ["Remember what I tell {name}", "记住我告诉{name}的事"],
  mem_is_off: ["Nothing new is kept, and nothing of this is used.", "不再记新的内容，这里的也不会用到。"],
  mem_none: ["Nothing yet. Tell {name} your name, where you live or what you like, and it stands here, for you alone.", "还没有。告诉{name}你的名字、住在哪里、喜欢什么，就会出现在这里，只有你能看到。"],
  mem_you: ["You", "你"], mem_other: ["Your {who}", "你的{who}"], mem_before: ["Before", "以前"], mem_before_n: ["Before ({n})", "以前（{n}）"],
  mem_told: ["told {when}", "{when}说的"], mem_till: ["until {when}", "到{when}为止"], mem_past: ["held until {when}", "到{when}为止"], mem_private: ["private", "私密"],
  mem_correct: ["Correct: {text}", "更正：{text}"], mem_delete: ["Delete: {text}", "删除：{text}"], mem_right: ["What is right", "正确的是"], mem_save: ["Save", "保存"],
  mem_sure: ["Delete this, and the sentence it came from?", "删除这一条，连同它出自的那句话？"], mem_yes: ["Delete", "删除"],
  mem_find: ["Search what is remembered", "在记忆里查找"], mem_not_found: ["Nothing here has that in it.", "没有找到相关内容。"],
  mem_export: ["Save as a file", "存成文件"], mem_erase: ["Erase all…", "全部清除……"], mem_erase_title: ["Erase all that {name} remembers?", "清除{name}记得的一切？"],
  mem_erase_text: ["It forgets you, down to the last byte. Your conversations stay until you delete them. This cannot be undone.", "它会彻底忘记你，不留一个字节。对话本身会保留，直到你删除它们。此操作无法撤销。"], mem_erase_do: ["Erase", "清除"],
  mem_erased: ["All is forgotten.", "都忘掉了。"], mem_corrected: ["Put right.", "已更正。"], mem_deleted: ["Deleted, with the sentence it came from.", "已删除，连同那句话。"],
  mem_where: ["Kept on {host}, for you and {name} alone. “Forget that” works too.", "保存在{host}，只属于你和{name}。对它说“把这件事忘了”也可以。"], mem_count: ["{facts} facts, {messages} messages", "{facts} 条事实，{messages} 条消息"],
});
const MANY = 8;                                         // facts from which on one can search

export class Memory {
  /** @param {import("./mine.js").Mine} mine @param {any} twin */
  constructor(mine, twin) {
    Object.assign(this, { mine, twin, base: `twins/${twin.id}/memory` });
    this.name = shortName(twin);
    /** @type {any[]} */
    this.facts = [];
    this.on = h("input", { type: "checkbox", id: "mem-on", onchange: () => this.tried(async () => this.told(await askJson(this.base, { json: { on: this.on.checked } }))) });
    this.off = h("p", { class: "soft mem-off", hidden: true, t: "mem_is_off" });
    this.note = h("p", { class: "share-note mem-trouble", role: "status", hidden: true });
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.find = h("input", { type: "search", class: "box", "aria-label": word("mem_find"), placeholder: word("mem_find"), maxlength: 100, autocomplete: "off", hidden: true, oninput: () => this.draw() });
    this.list = h("div", { class: "mem-list", tabindex: -1 });
    this.said = h("p", { class: "unseen", role: "status" });
    const host = word(["localhost", "127.0.0.1"].includes(location.hostname) ? "this_machine" : "that_machine");
    this.foot = h("p", { class: "soft small-text", t: "mem_where", args: { host, name: this.name } });
    this.save = h("button", { type: "button", class: "small", onclick: () => this.export() }, icon("save"), h("span", { t: "mem_export" }));
    this.erase = h("button", { type: "button", class: "small danger-text", onclick: () => this.erasing() }, icon("trash"), h("span", { t: "mem_erase" }));
    this.dialog = mine.dialog("mem_title", { name: this.name }, h("div", { class: "sheet-form memory" },
      h("label", { class: "mem-switch", for: "mem-on" }, h("span", { t: "mem_on", args: { name: this.name } }), this.on), this.off, this.note, this.find, this.trouble, this.list, this.said, this.foot,
      h("div", { class: "answers" }, this.erase, this.save)));
    this.dialog.classList.add("mem-sheet");
    this.tried(async () => this.told(await askJson(this.base)));
  }

  /** Do something; what goes wrong stands in the sheet. @param {() => Promise<any>} run */
  async tried(run) {
    this.trouble.hidden = true;
    try { await run(); } catch (error) { this.trouble.hidden = false; this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim(); }
  }

  /** @param {any} shown what the server says is there */
  told({ on, facts, counts, trouble }) {
    this.facts = facts;
    this.on.checked = on;
    this.off.hidden = on;
    this.note.hidden = !trouble;
    this.note.replaceChildren(icon("history"), h("span", {}, trouble));
    this.find.hidden = facts.length < MANY;
    this.save.disabled = this.erase.disabled = !counts.messages && !counts.facts;
    this.draw();
  }

  draw() {
    const wanted = this.find.hidden ? "" : this.find.value.trim().toLowerCase();
    const facts = this.facts.filter((fact) => !wanted || `${fact.text} ${fact.said} ${fact.subject}`.toLowerCase().includes(wanted));
    if (!facts.length) { this.list.replaceChildren(h("p", { class: "soft mem-none", t: wanted ? "mem_not_found" : "mem_none", args: { name: this.name } })); return; }
    /** @type {Map<string, any[]>} */
    const groups = new Map();
    for (const fact of facts.filter((fact) => !fact.past)) groups.set(fact.subject, [...groups.get(fact.subject) ?? [], fact]);
    const past = facts.filter((fact) => fact.past);
    this.list.replaceChildren(...[...groups].map(([who, some]) => this.group(who ? word("mem_other", { who }) : word("mem_you"), some)),
      ...(past.length ? [h("details", { class: "mem-past", open: Boolean(wanted) }, h("summary", {}, word("mem_before_n", { n: past.length })), h("ul", {}, ...past.map((fact) => this.row(fact))))] : []));
  }

  /** @param {string} title @param {any[]} facts */
  group(title, facts) { return h("section", {}, h("h3", {}, title), h("ul", {}, ...facts.map((fact) => this.row(fact)))); }

  /** @param {any} fact */
  row(fact) {
    const { text, said, since, until, past } = fact, when = word("mem_told", { when: day(since) }) + (until ? `, ${word(past ? "mem_past" : "mem_till", { when: day(until) })}` : "");
    const row = h("li", { "data-id": fact.id });
    row.append(h("div", { class: "mem-fact" }, h("b", {}, text), h("small", {}, [when, fact.private && word("mem_private")].filter(Boolean).join(" · "), said && !text.includes(said) && h("span", {}, " · ", h("q", {}, said)))),
      past ? "" : iconButton("edit", "mem_correct", () => this.correcting(row, fact), { class: "round tiny", args: { text } }), iconButton("trash", "mem_delete", () => this.deleting(row, fact), { class: "round tiny", args: { text } }));
    return row;
  }

  /** @param {HTMLElement} row @param {any} fact */
  correcting(row, fact) {
    const box = h("input", { class: "box", value: fact.object, maxlength: 160, id: "mem-right", "aria-label": word("mem_right"), autocomplete: "off" });
    const form = h("form", { class: "mem-edit" }, h("span", { class: "soft" }, fact.text), box, h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "cancel", onclick: () => this.back(row, fact) }),
      h("button", { type: "submit", class: "small strong", t: "mem_save" })));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.tried(async () => { this.told(await askJson(`${this.base}/${fact.id}`, { json: { object: box.value } })); this.done("mem_corrected"); });
    });
    this.leave(form, row, fact);
    row.replaceChildren(form);
    box.focus();
    box.select();
  }

  /** @param {HTMLElement} row @param {any} fact */
  deleting(row, fact) {
    const yes = h("button", { type: "button", class: "small danger", t: "mem_yes", onclick: () => this.tried(async () => { this.told(await askJson(`${this.base}/${fact.id}`, { method: "DELETE" })); this.done("mem_deleted"); }) });
    const asked = h("div", { class: "mem-edit" }, h("span", {}, fact.text), h("span", { class: "soft", t: "mem_sure" }), h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "cancel", onclick: () => this.back(row, fact) }), yes));
    this.leave(asked, row, fact);
    row.replaceChildren(asked);
    yes.focus();
  }

  /** Esc leaves what is being changed, not the sheet. @param {HTMLElement} element @param {HTMLElement} row @param {any} fact */
  leave(element, row, fact) {
    element.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.back(row, fact); } });
  }

  /** @param {HTMLElement} row @param {any} fact */
  back(row, fact) {
    const fresh = this.row(fact);
    row.replaceWith(fresh);
    /** @type {HTMLElement | null} */ (fresh.querySelector("button"))?.focus();
  }

  /** @param {string} key */
  done(key) { say(this.said, key); this.list.focus(); }

  async export() { await this.tried(async () => hand(await (await ask(`${this.base}/export`)).blob(), `${this.twin.id}.memory.json`)); }

  erasing() {
    this.mine.ask("mem_erase_title", this.twin, [], "mem_erase_do", async () => { this.told(await askJson(this.base, { method: "DELETE", json: { sure: true } })); this.done("mem_erased"); }, { note: "mem_erase_text", bad: true });
  }
}

/** @param {string} when an ISO date */
function day(when) {
  const value = new Date(when), here = getLanguage() === "zh" ? "zh-CN" : "en-GB";
  return value.toDateString() === new Date().toDateString() ? word("today") : value.toLocaleDateString(here, { day: "numeric", month: "short", ...(value.getFullYear() === new Date().getFullYear() ? {} : { year: "numeric" }) });
}
