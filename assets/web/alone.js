/** A twin in one file: the page's own stage, player and conversation around a mind that lies in the page (alone_mind.js). */
import { About } from "./alone_about.js";
import { Box } from "./alone_box.js";
import { data, soundOf } from "./alone_files.js";
import { Mind } from "./alone_mind.js";
import { Remote } from "./alone_remote.js";
import { caf, CODECS, decodeWhole, ogg } from "./alone_sound.js";
import { Lines } from "./alone_talk.js";
import "./alone_texts.js";
import { copy, save } from "./carry.js";
import { h, icon, iconButton } from "./dom.js";
import { recall, remember } from "./keep.js";
import { wireKeys } from "./keys.js";
import { menu } from "./menu.js";
import { Notices } from "./notices.js";
import { shortName } from "./picker.js";
import { Player } from "./player.js";
import { Stage } from "./stage.js";
import { fill, getLanguage, own, setLanguage, word } from "./words.js";

const TICK = 120;                                       // ms

class Alone {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.twin = data.twin;
    this.mind = new Mind(data.mind);
    this.turn = 0;
    this.editing = -1;
    this.asked = 0;                                     // turn that is being asked elsewhere; 0: none
    this.host = data.endpoint ? new URL(data.endpoint).host : "";
    const wanted = new URLSearchParams(location.search).get("lang") ?? recall("lang", navigator.language?.startsWith("zh") ? "zh" : "en");
    this.theme(recall("theme", "auto"));
    setLanguage(this.mind.spoken(wanted), root);
    this.player = new Player();
    this.notices = new Notices();
    this.stage = new Stage(this.player, { only: false, transparent: false, captions: recall("captions", true), muted: recall("muted", false),
      trouble: (key) => this.notices.tell(key), does: { captions: (on) => remember("captions", on), mute: (on) => { remember("muted", on); this.player.setVolume(0.9, on); },
        only: (on) => { this.root.classList.toggle("only", on); this.stage.setOnly(on); }, tap: () => this.player.unlock() } });
    this.talk = new Lines({ edit: (item) => { this.editing = this.talk.items.indexOf(item); this.box.offer(item.text); },
      rewind: (item) => { this.hush(); this.talk.cutFrom(this.talk.items.indexOf(item) + 1); }, regenerate: () => this.again(),
      copy: (text) => copy(text, this.notices), start: (text) => this.say(text) }, () => this.starters());
    this.talk.host = this.host;
    this.talk.reminder.element.hidden = true;           // the first note says the same
    this.box = new Box({ send: (text) => this.say(text), stop: () => this.stop(), tell: (key, args) => this.notices.tell(key, args), cancel: () => { this.editing = -1; } });
    this.about = new About(this.host);
    this.lay();
    this.wire();
    this.stage.use(this.twin, data.channels);
    this.rename();
    this.talk.load([], this.twin);
    this.notice();
    this.deliver(++this.turn, this.mind.greeting(getLanguage()));
    window.twin = { player: this.player, stage: this.stage, mind: this.mind, talk: this.talk, says: data.says, soundOf, containers: { ogg, caf }, get face() { return this.stage.face; } };
  }

  lay() {
    const actions = h("div", { class: "actions" }, menu([["plus", "clear", () => this.clear()], ["copy", "copy_all", () => copy(this.talk.markdown(), this.notices)],
      ["save", "save", () => save(this.talk.markdown(), this.twin.id)], ["card", "alone_about", () => this.about.open()]]));
    this.pill = h("button", { type: "button", class: "pill", onclick: () => this.about.open() }, h("i", { class: "dot" }), (this.pillWord = h("span")));
    this.tongue = h("button", { type: "button", class: "pill lang", t: "other_language", hidden: this.mind.languages.length < 2, onclick: () => this.speak(getLanguage() === "zh" ? "en" : "zh") });
    const mark = h("span", { class: "mark", "aria-hidden": "true" }, h("i"), h("i"));
    this.bar = h("header", { class: "bar" }, h("span", { class: "brand" }, mark, "Twin"), h("span", { class: "gap" }), this.pill, this.tongue,
      iconButton("light", "alone_look", () => this.theme(this.dark() ? "light" : "dark", true), { class: "round" }), actions);
    this.side = h("section", { class: "side" }, this.talk.element, this.notices.element, this.box.element);
    this.root.replaceChildren(this.bar, h("main", { class: "room" }, this.stage.element, this.side), this.about.element);
    const view = window.visualViewport;                 // a phone's keyboard takes its room from the page, not from the box
    view?.addEventListener("resize", () => { if (view.scale === 1) this.root.style.height = Math.round(view.height) + "px"; });
  }

  wire() {
    const { player } = this;
    player.use(data.channels, data.full, data.fps);
    player.setVolume(0.9, recall("muted", false));
    player.onheard = (turn, at) => { if (turn === this.asked) this.remote?.heard(turn, at); };
    player.onplayed = (turn) => { if (turn !== this.asked) this.talk.ended({ turn, reason: "done", heard: "" }); };
    this.talk.list.addEventListener("remind", (event) => this.notices.show(/** @type {CustomEvent} */ (event).detail, "", { stay: true, kind: "good" }));
    player.onlock = () => this.stage.setTap(player.waiting);
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => player.unlock(), { capture: true });
    wireKeys(this.root, () => { if (this.editing >= 0) this.box.done(); this.stop(); });
    setInterval(() => this.tick(), TICK);
    const idle = window.requestIdleCallback ?? ((/** @type {() => void} */ run) => setTimeout(run, 800));
    for (const language of this.mind.languages) idle(() => this.mind.room(language), { timeout: 4000 });   // so that no question waits for it
    idle(() => this.mind.papers, { timeout: 6000 });
  }

  /** @param {string} text */
  say(text) {
    this.hush();
    this.talk.suggest([]);
    if (this.editing >= 0) this.talk.cutFrom(this.editing);
    this.editing = -1;
    const turn = ++this.turn;
    this.talk.ask(text);
    this.talk.heard({ turn, text, sure: true });
    this.talk.wait();
    const found = this.mind.answer(text, getLanguage());
    if (found.step === "unknown" && this.host) this.elsewhere(turn, text, found); else this.deliver(turn, found);
  }

  /** Say what was found. @param {number} turn @param {import("./alone_mind.js").Found} found */
  deliver(turn, found) {
    const { talk, player } = this, [text, line, clauses] = found.text ? [found.text, -1, []] : data.says[found.language][found.say];
    if (line < 0) talk.notes.set(turn, "alone_written");
    talk.thought({ turn, step: found.step, mood: found.mood, sources: found.source ? [found.source] : [] });
    talk.token({ turn, text });
    if (found.step === "unknown") talk.suggest(found.near.length ? found.near.map((ask) => shown(ask, found.language)) : this.starters(found.language).slice(0, 3), found.near.length ? "alone_near" : "alone_near_none");
    if (line < 0) {
      player.push({ turn, at: 0, seconds: 0, text, audio: null, motion: null }, new Uint8Array());
      talk.ended({ turn, reason: "done", heard: "" });
      return;
    }
    const { sizes, opus, tracks } = soundOf(line), whole = decodeWhole(sizes, opus);
    let at = 0, cut = 0;
    for (const [clause, seconds, frames, size] of clauses) {
      player.push({ turn, at, seconds, text: clause, audio: { codec: "cut", rate: 48_000, sizes: [], whole, from: at }, motion: frames ? { frames, bytes: size } : null },
        tracks.subarray(cut, cut + size));
      at += seconds;
      cut += size;
    }
  }

  /** Ask the server this page knows of; where it cannot be reached, the twin's own answer holds. @param {number} turn @param {string} text @param {any} found */
  elsewhere(turn, text, found) {
    const { talk, player } = this;
    this.remote ??= new Remote({ url: data.endpoint, twin: this.twin.id, language: getLanguage, codecs: CODECS }, {
      thought: (message) => { talk.notes.set(message.turn, "alone_asked"); talk.thought(message); }, token: (message) => talk.token(message),
      spoken: (message, payload) => player.push(message, payload), ended: (message) => talk.ended(message),
      failed: (mine) => {
        this.notices.show(word("alone_gone", { host: this.host }), word("alone_gone_hint"));
        if (mine !== this.turn) return;
        this.asked = 0;
        this.deliver(mine, this.fallback);
      } });
    this.asked = turn;
    this.fallback = found;
    this.remote.ask(turn, text);
  }

  /** The last question once more, in other words where there are some. */
  again() {
    const last = this.talk.items.findLastIndex((item) => item.role === "user");
    if (last < 0) return;
    const { text } = this.talk.items[last];
    this.talk.cutFrom(last);
    this.say(text);
  }

  stop() {
    const { player } = this, heard = player.pieces.filter((piece) => piece.when + piece.seconds <= player.now).map((piece) => piece.text).join("");
    this.remote?.stop(player.position());
    if (this.asked !== this.turn) this.talk.ended({ turn: this.turn, reason: player.playing ? "interrupted" : "done", heard });
    this.hush();
    this.talk.settle();
  }

  hush() {
    if (this.player.playing && this.asked !== this.turn) {
      const heard = this.player.pieces.filter((piece) => piece.when + piece.seconds <= this.player.now).map((piece) => piece.text).join("");
      this.talk.ended({ turn: this.player.turn, reason: "interrupted", heard });
    }
    if (this.asked) this.remote?.stop(this.player.position());
    this.asked = 0;
    this.player.stop(this.turn);
    this.stage.setTap(false);
  }

  clear() {
    this.hush();
    this.mind.clear();
    this.talk.suggest([]);
    this.talk.load([], this.twin);
    this.notice();
    this.deliver(++this.turn, this.mind.greeting(getLanguage()));
  }

  /** Said at the start of every conversation. */
  notice() {
    this.talk.hello.replaceChildren(h("div", { class: "hello", role: "note" }, h("p", { t: this.host ? "alone_notice_asks" : "alone_notice", args: { name: shortName(this.twin), host: this.host } })));
  }

  /** @param {string} [language] @returns {string[]} */
  starters(language = getLanguage()) { return data.mind.languages[this.mind.spoken(language)].starters; }

  /** @param {string} language */
  speak(language) {
    remember("lang", language);
    setLanguage(language, this.root);
    this.rename();
    this.notice();
    this.talk.redraw();
    if (!this.talk.items.some((item) => item.role === "user")) this.clear();
  }

  rename() {
    this.box.name = shortName(this.twin);
    this.box.show();
    this.stage.rename();
    this.pillWord.textContent = word(this.host ? "alone_pill_asks" : "alone_pill", { host: this.host });
    this.pill.title = word("alone_about");
    document.title = `${own(this.twin.name)} · ${word("ai")}`;
    fill(this.tongue);
  }

  dark() { return getComputedStyle(document.documentElement).colorScheme === "dark" || !document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches; }

  /** @param {string} theme auto, light or dark @param {boolean} [kept] */
  theme(theme, kept = false) {
    if (theme === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = theme;
    if (kept) remember("theme", theme);
  }

  tick() {
    const { player } = this, state = player.waiting ? "idle" : player.playing ? "speaking" : this.talk.items.some((item) => item.open && !item.text) ? "thinking" : "idle";
    this.box.setBusy(state === "speaking" || state === "thinking");
    if (state !== this.shown) this.stage.setState(this.shown = state);
  }
}

/** A way of asking as one would write it. @param {string} ask @param {string} language */
function shown(ask, language) {
  const text = (ask[0].toUpperCase() + ask.slice(1)).replace(/\bi\b/g, "I");
  if (/[?？.!。！]$/.test(text)) return text;
  return language === "zh" ? (/[吗呢谁么哪几]|多少/.test(text) ? text + "？" : text) : /^(what|how|why|where|when|who|which|do|does|did|are|is|have|can|could)\b/i.test(text) ? text + "?" : text;
}

new Alone(/** @type {HTMLElement} */ (document.getElementById("twin")));
