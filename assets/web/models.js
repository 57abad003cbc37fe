/** Which models listen, think and speak here, and which could: fetched with progress, paused, gone on with, and switched to while the twin talks. */
import { askJson } from "./api.js";
import { h, iconButton, say } from "./dom.js";
import { engineName } from "./settings.js";
import { getLanguage, WORDS, word } from "./words.js";

Object.assign(WORDS, {
  models: ["Models", "模型"], models_choose: ["Choose models", "选择模型"], models_verbs: ["What it is for", "用途"],
  model_think: ["Think", "想"], model_listen: ["Listen", "听"], model_speak: ["Speak", "说"], model_paint: ["Paint", "画"], model_animate: ["Move", "动"],
  models_now: ["In use", "正在使用"], models_here: ["On this machine", "已在本机"], models_hub: ["Could be fetched", "可以下载"],
  models_use: ["Use", "使用"], models_fetch: ["Fetch {size}", "下载 {size}"], models_go_on: ["Go on", "继续"], models_pause: ["Pause", "暂停"], models_remove: ["Remove {name}", "删除{name}"],
  models_fits: ["fits", "带得动"], models_slow: ["slow here", "这里偏慢"], models_large: ["too large", "太大"], models_nc: ["non-commercial", "不可商用"],
  models_nc_ask: ["{name} may not be used commercially ({licence}).", "{name} 不得商用（{licence}）。"], models_agree: ["I agree", "我同意"],
  models_terms: ["Its terms are agreed to on {page}, and this machine has to be signed in there.", "需要先在 {page} 同意条款，并在本机登录。"],
  models_speed: ["measured {n} tokens/s", "实测每秒 {n} 个词元"], models_guess: ["about {n} tokens/s", "约每秒 {n} 个词元"],
  models_hears: ["measured {n} times as fast as speech", "实测为语速的 {n} 倍"], models_hears_guess: ["about {n} times as fast as speech", "约为语速的 {n} 倍"],
  models_first: ["first after {n} ms", "{n} 毫秒出第一个词"], models_loading: ["Loading {name}", "正在载入 {name}"], models_loading_note: ["The talk goes on with the old one until it is there.", "载入期间仍用原来的模型。"],
  models_switched: ["{name} is in use from the next reply on.", "从下一句回答起使用 {name}。"], models_fetched: ["{name} is here.", "{name} 下载好了。"], models_removed: ["{name} is removed.", "{name} 已删除。"],
  models_machine: ["{cores} cores · {free} of memory free · {gpu} · {disk} of disk free", "{cores} 核 · 内存剩 {free} · {gpu} · 磁盘剩 {disk}"], models_no_gpu: ["no GPU", "无 GPU"],
  models_many: ["many languages", "多语言"], models_any: ["every language", "不限语言"], models_needs: ["{size} of memory", "内存 {size}"], models_with: ["Comes with the app.", "随应用自带。"],
  models_own: ["A server, a folder or a GGUF file", "服务器、文件夹或 GGUF 文件"], models_own_p: ["http://localhost:11434/v1#qwen3:8b", "http://localhost:11434/v1#qwen3:8b"],
  models_own_note: ["A server of OpenAI's protocol: what is said to the twin then goes there. Its key is read from TWIN_THINK_KEY when the app starts, and asked for nowhere else.", "兼容 OpenAI 协议的服务器：你对分身说的话会发到那里。密钥只在启动时从 TWIN_THINK_KEY 读取，别处不会询问。"],
  models_gguf: ["GGUF files need one more package: {install}", "GGUF 文件还需要一个包：{install}"], models_try: ["Try it", "试一下"], models_answers: ["It answers in {ms} ms. Its models:", "{ms} 毫秒有回应。它的模型："], models_answers_none: ["It answers in {ms} ms, and names no models.", "{ms} 毫秒有回应，但没有列出模型。"],
  models_offline: ["The model hub is not reachable from here, so nothing can be fetched now.", "现在连不上模型库，无法下载。"],
  models_only_home: ["Models are chosen by whoever sits at the machine that serves this page.", "只有坐在这台服务器前的人才能更换模型。"],
  models_fixed: ["TWIN_{task} or --{name} is set: at the next start it decides again.", "已设置 TWIN_{task} 或 --{name}：下次启动时以它为准。"],
  models_each: ["Each twin brings its own voice; there is nothing to choose here.", "每个分身都有自己的声音，这里不用选。"], models_part: ["Part of the app; there is nothing to choose here.", "应用自带，这里不用选。"],
  models_asking: ["Asking the hub", "正在询问模型库"], models_checking: ["Checking", "正在校验"], models_paused: ["Paused at {done} of {total}", "已暂停：{done} / {total}"],
  models_going: ["{done} of {total}, {rate}/s, {left} left", "{done} / {total}，{rate}/秒，还需 {left}"], models_began: ["{done} of {total}", "{done} / {total}"],
  models_mb: ["{n} MB", "{n} MB"], models_gb: ["{n} GB", "{n} GB"], models_s: ["{n} s", "{n} 秒"], models_min: ["{n} min", "{n} 分钟"], models_h: ["{n} h", "{n} 小时"],
});

const VERBS = ["think", "listen", "speak", "paint", "animate"], ORDER = ["fits", "slow", "large"], BUSY = ["asking", "fetching", "checking"];

export class Models {
  /** @param {HTMLElement} place where its sheet is shown */
  constructor(place) {
    this.place = place;
    this.verb = "think";
    /** @type {any} */
    this.told = null;
    this.asked = "";                                     // the id of the model whose licence is being asked about
    this.loading = "";
    this.offline = false;
  }

  async open() {
    if (this.dialog?.open) return;
    this.offline = false;
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    this.status = h("p", { class: "models-said", role: "status" });
    this.body = h("div", { class: "models-body" });
    const verbs = h("div", { class: "segments models-verbs", role: "radiogroup", tip: "models_verbs" }, ...VERBS.map((verb) => h("label", {},
      h("input", { type: "radio", name: "models-verb", value: verb, checked: verb === this.verb, onchange: () => { this.verb = verb; this.quiet(); this.draw(); } }), h("span", { t: "model_" + verb }))));
    this.dialog = h("dialog", { class: "sheet models-sheet", "aria-labelledby": "twin-models" },
      h("header", {}, h("h2", { id: "twin-models", t: "models" }), iconButton("close", "close", () => this.dialog.close(), { class: "round ghost" })), h("div", { class: "models" }, verbs, this.body), h("div", { class: "models-tell" }, this.trouble, this.status));
    const dialog = this.dialog;
    dialog.addEventListener("click", (/** @type {MouseEvent} */ event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => { clearTimeout(this.timer); dialog.remove(); });
    this.place.append(dialog);
    dialog.showModal();
    if (!await this.load() || !this.told.may) return;
    this.poll();
    const { reachable } = await askJson("models/hub").catch(() => ({ reachable: true }));
    if (!reachable) { this.offline = true; this.draw(); }
  }

  async load() { return this.tried(async () => { this.take(await askJson("models")); return true; }); }

  /** @param {any} told */
  take(told) {
    this.told = told;
    this.draw();
  }

  /** Do something; what goes wrong stands in the sheet. @param {() => Promise<any>} run */
  async tried(run) {
    this.quiet();
    try { return await run(); }
    catch (error) {
      this.quiet();
      this.trouble.hidden = false;
      this.trouble.textContent = `${error.message} ${error.hint ?? ""}`.trim();
      if (error.code === "offline") { this.offline = true; this.draw(); }
      return null;
    }
  }

  quiet() {
    this.trouble.hidden = true;
    this.status.replaceChildren();
  }

  // what is drawn ------------------------------------------------------------------------------------------------------------------------

  draw() {
    if (!this.told) return;
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset?.key, typed = this.field?.value ?? "";
    const { tasks, may, machine } = this.told, { now, rows, switch: choose } = tasks[this.verb];
    this.bars = {};
    const here = rows.filter((/** @type {any} */ row) => row.state === "here" || row.state === "missing" || row.embedded), hub = rows.filter((/** @type {any} */ row) => !here.includes(row)).sort((/** @type {any} */ one, /** @type {any} */ two) => ORDER.indexOf(one.verdict) - ORDER.indexOf(two.verdict));
    this.body.replaceChildren(...[
      h("div", { class: "models-now" }, h("small", { t: "models_now" }), h("b", {}, engineName(now.name)), h("span", { class: "soft" }, [licence(now.licence), now.note && !may ? now.note : "", ...this.speeds(now)].filter(Boolean).join(" · "))),
      may && this.told.fixed?.includes(this.verb) && h("p", { class: "soft models-note", t: "models_fixed", args: { task: this.verb.toUpperCase(), name: this.verb } }),
      !may && h("p", { class: "soft models-note", t: "models_only_home" }),
      may && !choose && h("p", { class: "soft models-note", t: this.verb === "speak" ? "models_each" : "models_part" }),
      choose && this.list("models_here", here), choose && this.offline && h("p", { class: "models-note models-off", t: "models_offline" }), choose && this.list("models_hub", hub), choose && this.verb === "think" && this.own(typed),
      machine && h("p", { class: "soft models-note", t: "models_machine", args: { cores: machine.cores, free: size(machine.free), disk: size(machine.disk), gpu: machine.gpus.join(", ") || word("models_no_gpu") } })].filter(Boolean));
    if (focused) /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-key="${CSS.escape(focused)}"]:not(:disabled)`))?.focus();
    this.progress();
  }

  /** @param {string} key @param {any[]} rows */
  list(key, rows) { return rows.length ? h("section", {}, h("h3", { t: key }), h("ul", { class: "models-list" }, ...rows.map((row) => this.row(row)))) : null; }

  /** @param {any} row */
  row(row) {
    const inUse = row.id === this.told.tasks[this.verb].now.id, name = engineName(row.name), { fetch } = this.told, going = fetch?.model === row.id && row.state !== "here";
    const languages = row.own ? "" : row.languages.length ? row.languages.map(languageName).join(", ") : word(row.embedded && this.verb !== "think" ? "models_any" : "models_many");
    const facts = [row.state === "here" && row.size && size(row.size), row.needs && word("models_needs", { size: size(row.needs) }), languages, licence(row.licence), ...this.speeds(row)].filter(Boolean);
    const badges = [row.verdict && !row.embedded && h("em", { class: row.verdict, t: "models_" + row.verdict }), row.commercial === false && h("em", { class: "slow", t: "models_nc" })];
    const about = row.state === "missing" ? row.note : row.about ?? (row.embedded ? word("models_with") : "");
    const terms = row.terms && row.state !== "here" && h("small", { class: "soft", t: "models_terms", args: { page: "huggingface.co/" + row.id } });
    const item = h("li", { class: inUse ? "used" : "" }, h("div", { class: "models-what" }, h("span", { class: "models-name" }, h("b", {}, name), ...badges), h("span", {}, about), h("small", {}, facts.join(" · ")), terms),
      h("div", { class: "models-do" }, ...this.buttons(row, inUse, going, name)));
    if (this.asked === row.id) item.append(this.agreeing(row, name));
    else if (going || row.state === "part") item.append(this.bar(row));
    return item;
  }

  /** @param {any} row @param {boolean} inUse @param {boolean} going @param {string} name */
  buttons(row, inUse, going, name) {
    const { fetch } = this.told, busy = Boolean(this.loading || this.told.loading), fetching = fetch && BUSY.includes(fetch.phase);
    const button = (/** @type {string} */ t, /** @type {() => any} */ run, /** @type {any} */ more = {}) => h("button", { type: "button", class: "small", t, onclick: run, "data-key": t.split("_").at(-1) + row.id, ...more });
    if (this.loading === row.id) return [h("span", { class: "soft models-wait" }, h("i", {}), h("span", { t: "models_loading", args: { name } }))];
    if (inUse) return [h("span", { class: "soft models-on", t: "models_now" })];
    const gone = (row.state === "here" && !row.embedded && !row.own) || (row.state === "part" && !(going && fetching));
    const remove = gone && iconButton("trash", "models_remove", () => this.remove(row, name), { args: { name }, "data-key": "remove" + row.id, disabled: busy });
    if (row.state === "missing") return [];
    if (row.state === "here") return [button("models_use", () => this.use(row.id, name), { disabled: busy || row.verdict === "large", "aria-label": `${word("models_use")} ${name}` }), remove];
    if (going && fetching) return [button("models_pause", () => this.pause())];
    const begin = () => (row.commercial === false && row.state === "hub" ? this.agree(row) : this.fetch(row, row.commercial === false));
    return [button(row.state === "part" ? "models_go_on" : "models_fetch", begin, { args: { size: size(row.size) }, disabled: Boolean(fetching) || this.offline || row.verdict === "large", "data-key": "fetch" + row.id,
      "aria-label": `${word(row.state === "part" ? "models_go_on" : "models_fetch", { size: size(row.size) })}: ${name}` }), remove];
  }

  /** @param {any} row @param {string} name */
  agreeing(row, name) {
    return h("div", { class: "models-ask" }, h("span", { t: "models_nc_ask", args: { name, licence: row.licence } }), h("span", {},
      h("button", { type: "button", class: "small", t: "cancel", onclick: () => { this.asked = ""; this.draw(); } }),
      h("button", { type: "button", class: "small strong", t: "models_agree", "data-key": "agree", onclick: () => { this.asked = ""; this.fetch(row, true); } })));
  }

  /** How far it is. @param {any} row */
  bar(row) {
    const bar = h("progress", { max: row.size, value: row.part, "aria-label": row.name }), note = h("small", { class: "soft" });
    this.bars[row.id] = { bar, note, row };
    return h("div", { class: "models-bar" }, bar, note);
  }

  /** Numbers alone; nothing is drawn anew. */
  progress() {
    const { fetch } = this.told;
    for (const { bar, note, row } of Object.values(this.bars ?? {})) {
      const mine = fetch?.model === row.id ? fetch : { phase: "paused", done: row.part, total: row.size, rate: 0 }, { phase, done, total, rate } = mine;
      bar.max = total || 1;
      bar.value = done;
      const args = { done: size(done), total: size(total), rate: size(rate), left: rate ? time((total - done) / rate) : "" };
      note.textContent = mine.error ? `${mine.error.message} ${mine.error.hint}` : word({ asking: "models_asking", checking: "models_checking", paused: "models_paused", failed: "models_paused" }[phase] ?? (rate ? "models_going" : "models_began"), args);
      note.classList.toggle("models-off", Boolean(mine.error));
    }
  }

  /** @param {any} row */
  speeds(row) {
    const { speed, guess } = row, said = [], n = (/** @type {number} */ value) => value.toLocaleString(getLanguage(), { maximumFractionDigits: value < 0.1 ? 2 : value < 10 ? 1 : 0 });
    if (speed?.tokens) said.push(word("models_speed", { n: n(speed.tokens) }), word("models_first", { n: n(speed.first_ms) }));
    else if (speed?.hears) said.push(word("models_hears", { n: n(1 / speed.hears) }));
    else if (guess) said.push(this.verb === "think" ? word("models_guess", { n: n(guess) }) : word("models_hears_guess", { n: n(1 / guess) }));
    return said;
  }

  /** A server's address, a folder or a file. @param {string} typed */
  own(typed) {
    const found = h("div", { class: "models-found" });
    const field = this.field = h("input", { class: "box", id: "models-own", "data-key": "own", value: typed, maxlength: 500, placeholder: word("models_own_p"), autocomplete: "off", autocapitalize: "none", spellcheck: "false", inputmode: "url" });
    const go = h("button", { type: "submit", class: "small", t: "models_use", disabled: Boolean(this.loading) });
    const tryIt = h("button", { type: "button", class: "small", t: "models_try", "data-key": "try", onclick: () => this.tryIt(field, found) });
    const show = () => { tryIt.hidden = !/^https?:/.test(field.value.trim()); };
    field.addEventListener("input", show);
    show();
    return h("form", { class: "models-own", onsubmit: (/** @type {Event} */ event) => { event.preventDefault(); if (field.value.trim()) this.use(field.value.trim(), field.value.trim()); else field.focus(); } },
      h("label", { class: "field-label", for: "models-own" }, h("span", { t: "models_own" })), h("div", {}, field, tryIt, go), found, h("p", { class: "soft models-note", t: "models_own_note" }),
      this.told.gguf && h("p", { class: "soft models-note", t: "models_gguf", args: { install: this.told.gguf } }));
  }

  // what is done -------------------------------------------------------------------------------------------------------------------------

  /** @param {HTMLInputElement} field @param {HTMLElement} found */
  async tryIt(field, found) {
    found.replaceChildren();
    await this.tried(async () => {
      const address = field.value.trim().split("#")[0], { models, ms } = await askJson("models/try", { json: { address } });
      const note = h("p", { role: "status", t: models.length ? "models_answers" : "models_answers_none", args: { ms } });
      found.replaceChildren(note, ...models.slice(0, 24).map((/** @type {string} */ name) => h("button", { type: "button", class: "small", onclick: () => { field.value = `${address}#${name}`; field.focus(); } }, name)));
    });
  }

  /** @param {any} row */
  agree(row) {
    this.asked = row.id;
    this.draw();
    /** @type {HTMLElement | null} */ (this.body.querySelector("[data-key=agree]"))?.focus();
  }

  /** @param {any} row @param {boolean} agreed */
  async fetch(row, agreed) {
    let over = false;
    await this.tried(async () => {
      const { fetch } = await askJson("models/fetch", { json: { model: row.id, agreed } });
      this.told.fetch = fetch;
      row.state = "part";
      over = !BUSY.includes(fetch?.phase);              // what little was missing came before the answer
    });
    if (over) { await this.over(this.told.fetch); return; }
    this.draw();
    /** @type {HTMLElement | null} */ (this.body.querySelector(`[data-key="${CSS.escape("pause" + row.id)}"]`))?.focus();
    this.poll();
  }

  async pause() {
    await this.tried(async () => { await askJson("models/pause", { json: {} }); this.take(await askJson("models")); });
  }

  /** @param {any} row @param {string} name */
  async remove(row, name) {
    await this.tried(async () => { this.take(await askJson("models/drop", { json: { model: row.id } })); say(this.said(), "models_removed", { name }); });
  }

  /** @param {string} id @param {string} name */
  async use(id, name) {
    this.loading = id;
    const status = this.draw() ?? this.said(), task = this.verb;
    await this.tried(async () => {
      say(this.said(), "models_loading_note");
      const told = await askJson("models/use", { json: { task, model: id } });
      this.loading = "";
      this.take(told);
      say(this.said(), "models_switched", { name: engineName(told.tasks[task].now.name) });
    });
    this.loading = "";
    if (!status.isConnected && !this.dialog.open) return;
    this.draw();
  }

  /** A fresh line of the status. */
  said() {
    const line = h("span", {});
    this.status.replaceChildren(line);
    return line;
  }

  /** While something is fetched, look how far it is. */
  poll() {
    clearTimeout(this.timer);
    if (!this.dialog?.open || !this.told?.fetch || !BUSY.includes(this.told.fetch.phase)) return;
    this.timer = setTimeout(async () => {
      const before = this.told.fetch, { fetch } = await askJson("models/fetch").catch(() => ({ fetch: before }));
      this.told.fetch = fetch;
      if (fetch && BUSY.includes(fetch.phase)) this.progress();
      else await this.over(fetch);
      this.poll();
    }, 600);
  }

  /** The fetch has ended, well or not. @param {any} fetch */
  async over(fetch) {
    if (fetch?.error?.code === "offline") this.offline = true;
    await this.load();
    const row = this.told.tasks.think.rows.concat(this.told.tasks.listen.rows).find((/** @type {any} */ one) => one.id === fetch?.model);
    if (fetch?.phase === "done" && row) say(this.said(), "models_fetched", { name: row.name });
  }
}

/** Where it is each model's own, nothing is said. @param {string} [name] */
const licence = (name) => (name === "by model" ? "" : name);

/** @param {number} bytes */
const size = (bytes) => (bytes >= 1e9 ? word("models_gb", { n: (bytes / 1e9).toFixed(1) }) : word("models_mb", { n: Math.round(bytes / 1e6) }));

/** @param {number} seconds */
const time = (seconds) => (seconds < 90 ? word("models_s", { n: Math.ceil(seconds) }) : seconds < 5400 ? word("models_min", { n: Math.round(seconds / 60) }) : word("models_h", { n: (seconds / 3600).toFixed(1) }));

/** @param {string} code */
const languageName = (code) => new Intl.DisplayNames([getLanguage()], { type: "language" }).of(code) ?? code;
