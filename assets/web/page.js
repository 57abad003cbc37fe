/** Wiring: the parts of the page, and which message goes to which of them. Nothing is drawn or decided here that a part could do. */
import { Aside } from "./aside.js";
import { Bar } from "./bar.js";
import { copy, save } from "./carry.js";
import { Composer } from "./composer.js";
import { Conversations } from "./conversations.js";
import { h } from "./dom.js";
import { Finder } from "./finder.js";
import { Hearing } from "./hearing.js";
import { recall, recallHere, remember, rememberHere, tabId, token } from "./keep.js";
import { wireKeys } from "./keys.js";
import { Live } from "./live.js";
import { Login } from "./login.js";
import { menu } from "./menu.js";
import { Mic } from "./mic.js";
import { Mine } from "./mine.js";
import { Notices } from "./notices.js";
import { inOrder, Picker, shortName } from "./picker.js";
import { Player } from "./player.js";
import { applyTheme, choices, Settings } from "./settings.js";
import { codecs } from "./sound.js";
import { Stage } from "./stage.js";
import { SENT, Talk } from "./talk.js";
import { welcome } from "./welcome.js";
import { getLanguage, LANGUAGES, own, setLanguage } from "./words.js";

/** @param {HTMLElement} root the element that Gradio made for us */
export async function open(root) {
  if (root.dataset.open) return;
  root.dataset.open = "yes";
  const page = new Page(root, new URLSearchParams(location.search), await codecs());
  page.live.open();
  if (parent !== window) parent.postMessage({ twin: "open" }, "*");         // to the widget around it: the frame was not refused
}

class Page {
  /** @param {HTMLElement} root @param {URLSearchParams} query @param {string[]} codecs */
  constructor(root, query, codecs) {
    Object.assign(this, { root, codecs });
    const asked = query.get("lang"), choice = this.choice = choices();
    applyTheme(choice.theme);
    this.wanted = query.get("twin") ?? "";
    this.only = query.get("stage") === "only";
    this.state = "connecting";                          // what the server says
    this.place = this.placeShown = 0;                   // in the queue of those who wait to be answered
    this.conversation = this.wanted && this.wanted !== recall("twin", "") ? "" : recallHere("conversation");
    this.engines = null;
    this.twin = null;
    this.twins = [];
    this.asked = 0;                                     // when the user's last message went out, ms; 0 = answered
    this.askedAfter = 0;                                // the newest turn when it did
    this.newest = 0;                                    // the newest turn anything was heard of
    this.lastFirst = 0;
    setLanguage(LANGUAGES.includes(asked) ? asked : recall("lang", navigator.language?.startsWith("zh") ? "zh" : "en"), root);
    this.player = new Player();
    this.live = new Live({ hello: () => this.hello(), transport: query.get("transport") ?? document.querySelector("meta[name=twin-transport]")?.getAttribute("content") ?? "" });
    this.mic = new Mic();
    this.mic.device = choice.mic;
    this.parts(query);
    this.lay(query);
    this.wirePlayer();
    this.wireLive();
    addEventListener("hashchange", () => this.turn());
    this.turn();
    wireKeys(root, () => { if (this.editing >= 0) this.composer.done(true); this.stop(); });
    this.setState();
    this.aside = new Aside(() => this.shown === "idle" && !this.player.locked && this.hearing.mode === "off" && !this.composer.box.value,
      () => this.live.send({ type: "idle" }));
    window.twin = { player: this.player, live: this.live, stage: this.stage, get face() { return this.stage.face; }, state: () => this.shown, first: () => this.lastFirst };
  }

  hello() {
    const twin = this.wanted || this.twin?.id || recall("twin", "");
    return { type: "hello", token: token(), page: tabId(), lang: getLanguage(), codecs: this.codecs, greet: !this.live.seq,
      ...(twin ? { twin } : {}), ...(this.conversation ? { conversation: this.conversation } : {}) };
  }

  /** @param {URLSearchParams} query */
  parts(query) {
    const { choice, live } = this;
    this.notices = new Notices();
    this.root.addEventListener("remind", (event) => this.notices.show(/** @type {CustomEvent} */ (event).detail, "", { kind: "good", stay: true }));
    this.stage = new Stage(this.player, { only: this.only, transparent: query.get("bg") === "transparent", captions: choice.captions, muted: choice.muted,
      trouble: (key) => this.notices.tell(key),
      does: { captions: (on) => { choice.captions = on; remember("captions", on); }, mute: (on) => { choice.muted = on; remember("muted", on); this.volume(); },
        only: (on) => this.setOnly(on), tap: () => this.player.unlock() } });
    this.talk = new Talk({ edit: (item) => this.finder.find(item, this.conversation, (index) => this.edit(index, item.text)),
      rewind: (item) => this.finder.find(item, this.conversation, (index) => live.send({ type: "rewind", index: index + 1 })),
      regenerate: () => this.regenerate(), copy: (text) => copy(text, this.notices), start: (text) => this.say(text),
      teach: (item) => this.teach(item), teaches: () => this.mine.twins.some((twin) => twin.id === this.twin?.id) });
    this.hearing = new Hearing(this.mic, live, { mode: (mode) => { this.composer.setMic(mode); if (mode === "off") this.player.duck(false); this.setState(); },
      trouble: (key) => this.notices.tell(key), partial: (text) => this.composer.offer(text, "corrected"), cutIn: () => this.stop(),
      said: (text) => { this.composer.done(true); if (text) this.say(text); } });
    this.composer = new Composer({ send: (text) => this.say(text), stop: () => this.stop(), press: () => this.hearing.start("push"), release: () => this.released(),
      free: (on) => (on ? this.hearing.start("free") : this.hearing.stop()), cancel: () => { this.editing = -1; }, tell: (key, args) => this.notices.tell(key, args) });
    this.mine = new Mine({ notices: this.notices, talk: (id) => this.change(id), changed: () => live.retry(), current: () => this.twin?.id ?? "", gone: (id) => this.left(id), create: () => this.create() });
    this.picker = new Picker((id) => this.change(id), () => this.create(), (twin) => this.mine.menu(twin));
    this.bar = new Bar({ language: () => this.speakLanguage(getLanguage() === "zh" ? "en" : "zh"), settings: () => this.settings.open(getLanguage(), this.engines), models: () => this.models() });
    this.login = new Login({ changed: () => { this.mine.load(); live.retry(); } });
    this.settings = new Settings(choice, (name, value) => this.changed(name, value), "setSinkId" in this.player.context, () => this.models());
    this.earlier = new Conversations({ list: () => live.send({ type: "list" }), resume: (id) => { this.hush(); live.send({ type: "resume", conversation: id }); },
      forget: (id) => { live.send({ type: "forget", conversation: id }); live.send({ type: "list" }); } });
    this.editing = -1;
  }

  /** @param {URLSearchParams} query */
  lay(query) {
    const actions = h("div", { class: "actions" }, menu([
      ["plus", "clear", () => { this.hush(); this.live.send({ type: "clear" }); }],
      ["history", "earlier", () => this.earlier.open()], ["bookmark", "m_memory", () => this.twin && this.mine.memory(this.twin)], ["person", "my_twins", () => this.mine.open()], ["share", "m_share", () => this.twin && this.mine.share(this.twin)], ["copy", "copy_all", () => copy(this.talk.markdown(), this.notices)],
      ["save", "save", () => save(this.talk.markdown(), this.twin?.id ?? "twin")]]));
    this.side = h("section", { class: "side" }, h("div", { class: "side-head" }, this.picker.element, actions), this.talk.element, this.notices.element, this.composer.element);
    this.root.replaceChildren(this.bar.element, h("main", { class: "room" }, this.stage.element, this.side), this.settings.element, this.earlier.element, this.login.element, this.hearing.ask, this.mine.place);
    if (recallHere("creating")) this.create();          // a reload comes back to what was being made
    if (query.has("corner")) this.root.dataset.corner = "yes";              // the widget's closing cross lies over it
    if (query.get("bg") === "transparent") document.documentElement.dataset.bg = "transparent";
    this.setOnly(this.only);
    this.volume();
    const view = window.visualViewport;                 // a phone's keyboard takes its room from the page, not from the composer
    view?.addEventListener("resize", () => { if (view.scale === 1) this.root.style.height = Math.round(view.height) + "px"; });
  }

  wirePlayer() {
    const { player, live } = this;
    player.onheard = (turn, at) => live.send({ type: "heard", turn, at });
    player.onplayed = (turn) => live.send({ type: "played", turn });
    player.onlock = () => { this.stage.setTap(player.waiting); this.setState(); };
    player.onfirst = (_turn, delay) => {
      if (this.asked) this.composer.setFirst(this.lastFirst = performance.now() - this.asked + delay);
      this.asked = 0;
    };
    this.mic.onlevel = (level) => {
      this.composer.setLevel(level);
    };
    const gesture = () => player.unlock();
    for (const type of ["pointerdown", "keydown"]) addEventListener(type, gesture, { capture: true });
    setInterval(() => this.setState(), 120);
  }

  wireLive() {
    const { live, talk, player, notices } = this;
    for (const type of ["heard", "thought", "token", "spoken"]) live.on(type, ({ turn }) => { this.newest = Math.max(this.newest, turn); });
    live.on("engines", ({ engines, hearing }) => { this.engines = engines; this.hearing.can = hearing ?? this.hearing.can; this.bar.setEngines(engines); });
    live.on("offline", ({ attempt }) => { if (attempt > 1) notices.offline(true, () => live.retry()); this.setState(); });
    live.on("rested", () => { notices.tell("rested", {}, { stay: true }); this.setState(); });
    live.on("login", () => { this.hush(); if (this.asked && this.newest <= this.askedAfter) this.refused(true); this.login.open(true, this.twin !== null); this.setState(); });
    live.on("queue", ({ place }) => { this.place = place; this.setState(); });
    live.on("elsewhere", () => { notices.tell("elsewhere", {}, { stay: true }); this.setState(); });
    live.on("ready", (ready) => this.ready(ready));
    live.on("state", ({ state, note }) => { this.state = state; this.note = note; this.setState(); });
    live.on("heard", (heard) => this.heard(heard));
    live.on("partial", ({ text }) => { this.composer.hint.textContent = text; });
    live.on("thought", (thought) => talk.thought(thought));
    live.on("token", (token) => talk.token(token));
    live.on("spoken", (message, payload) => player.push(message, payload));
    live.on("ended", (ended) => { talk.ended(ended); if (ended.reason === "failed") this.asked = 0; this.aside.rest(); });
    live.on("duck", ({ on }) => player.duck(on));
    live.on("partial", ({ text }) => this.composer.hears(text));
    live.on("nod", () => this.stage.nod());
    live.on("vad", ({ speech }) => { if (speech) player.stop(this.newest); else { this.asked = performance.now(); this.composer.hears(""); } this.aside.over(); });
    live.on("history", ({ history }) => talk.load(history, this.twin));
    this.finder = new Finder(live);                     // after the list was drawn anew
    live.on("conversations", ({ items }) => this.earlier.show(items, this.twins, this.conversation));
    for (const type of ["trouble", "error"]) live.on(type, ({ code, message, hint }) => { if (code !== "login" && code !== "rested") notices.show(message, hint); });
    live.on("error", ({ code, kept }) => { if (code !== "login") this.refused(Boolean(kept)); });
  }

  /** @param {any} ready */
  ready(ready) {
    this.notices.offline(false, () => {});
    this.engines = ready.engines;
    this.hearing.can = ready.hearing ?? this.hearing.can;
    this.state = ready.state ?? "idle";
    this.twin = this.mine.known(ready.twin);
    this.settings.account = this.login.account(ready.user);
    this.root.dataset.role = ready.user?.role ?? "owner";                   // CSS hides from visitors what makes and keeps
    this.bar.setPlaces((this.root.dataset.studio = ready.studio ? "yes" : "no") === "yes");
    if (!ready.studio && location.hash.startsWith("#studio")) location.hash = "#talk";
    this.place = 0;
    this.twins = this.mine.join(inOrder(ready.twins));
    const missed = this.wanted !== ready.twin.id && ready.twins.some((twin) => twin.id === this.wanted) ? this.wanted : "";
    this.wanted = "";
    this.conversation = ready.conversation;
    remember("twin", ready.twin.id);
    rememberHere("conversation", ready.conversation);
    this.player.use(ready.channels, ready.full, ready.fps);
    this.bar.setEngines(ready.engines);
    this.picker.show(this.twins, ready.twin.id);
    this.composer.setName(shortName(ready.twin));
    this.stage.use(ready.twin, ready.channels);
    document.title = `${own(ready.twin.name)} · Twin`;
    if (!ready.resumed) {
      this.hush();
      this.player.oldest = this.newest = 0;              // another conversation counts its turns anew
      this.player.turn = 0;
      this.talk.load(ready.history, ready.twin);
    }
    this.hearing.renew();
    welcome(this.talk.hello, this.twin);
    this.setState();
    if (missed) this.change(missed);                    // chosen while the line was down
  }

  /** @param {string} text */
  say(text) {
    this.hush();
    const message = this.editing >= 0 ? { type: "edit", index: this.editing, text } : { type: "say", text };
    if (!this.live.send(message)) { this.notices.offline(true, () => this.live.retry()); return false; }
    if (this.editing >= 0) this.talk.cutFrom(this.editing);
    this.editing = -1;
    this.sentText = text;
    this.talk.ask(text);
    this.begin();
    return true;
  }

  /** The server did not take the message; what was typed goes back into the box. @param {boolean} kept */
  refused(kept) {
    if (kept && this.sentText) this.composer.offer([this.sentText, this.composer.box.value].filter(Boolean).join("\n"), "");
    if (kept) this.talk.withdraw();
    this.talk.settle();
    this.asked = 0;
  }

  begin() {
    this.talk.wait();
    this.asked = performance.now();
    this.askedAfter = this.newest;
    this.state = "thinking";
    this.aside.over();
    this.setState();
  }

  /** The microphone's key was let go. */
  released() {
    if (this.hearing.mode !== "push") return;
    this.hearing.stop();
    this.asked = performance.now();
  }

  /** @param {any} heard */
  heard(heard) {
    if (heard.sure !== false && heard.text) {
      this.talk.heard(heard);
      if (this.asked) this.talk.wait(); else this.begin();
      return;
    }
    if (heard.text) this.composer.offer(heard.text, "corrected"); else this.notices.tell("heard_nothing");
    this.asked = 0;
  }

  /** @param {number} index @param {string} text */
  edit(index, text) {
    this.editing = index;
    this.composer.offer(text, "editing");
  }

  /** What it should have said instead. @param {import("./talk.js").Item} item */
  teach(item) {
    const at = this.talk.items.indexOf(item), asked = this.talk.items.slice(0, at).findLast((other) => other.role === "user");
    this.mine.teach(this.twin, asked?.text ?? "", item.text, () => { if (item === this.talk.items.at(-1) && asked) this.regenerate(); });
  }

  regenerate() {
    this.hush();
    if (!this.live.send({ type: "regenerate" })) return;
    const last = this.talk.items.findLastIndex((item) => item.role === "user");
    if (last >= 0) { this.talk.cutFrom(last + 1); this.talk.items[last].turn = SENT; }
    this.begin();
  }

  /** Silence here at once, and there as soon as it hears of it. */
  stop() {
    const fresh = this.asked > 0 && this.newest <= this.askedAfter, at = this.player.stop(this.newest);
    if (this.live.send({ type: "stop", turn: fresh ? null : this.newest, at: fresh ? 0 : at }) && this.state !== "waking") this.state = "idle";
    this.asked = 0;
    this.talk.settle();
    this.setState();
  }

  hush() { this.player.stop(this.newest); this.stage.setTap(false); }

  /** @param {string} id */
  change(id) {
    const chosen = this.mine.twins.find((twin) => twin.id === id);
    if (chosen?.locked) { this.mine.unlock(chosen); return; }
    this.hush();
    this.hearing.stop();
    if (!this.live.send({ type: "twin", id })) this.wanted = id;
    this.picker.show(this.twins, id);
  }

  /** The wizard, loaded when it is first wanted. */
  async create() {
    this.hush();
    this.hearing.stop();
    try {
      const { Wizard } = await import("./create.js");
      this.wizard ??= new Wizard({ talk: this.root, language: () => this.speakLanguage(getLanguage() === "zh" ? "en" : "zh"), open: (file, how) => this.mine.take(file, how),
        tell: (message, hint) => this.notices.show(message, hint, { stay: true }), closed: () => this.picker.focusMake(), done: (twin) => { this.wanted = twin.id; this.mine.load(); this.change(twin.id); } });
      await this.wizard.open();
    } catch (error) { this.notices.show(error.message); }
  }

  /** Turn to the place that the address names: the talk, or the Studio, which is loaded when it is first wanted. The talk stays as it is behind it. */
  async turn() {
    const place = location.hash.startsWith("#studio") && this.root.dataset.studio !== "no" && !this.only && !this.root.dataset.corner ? "studio" : "talk";
    this.root.dataset.place = place;
    this.bar.setPlace(place);
    /** @type {HTMLElement} */ (this.root.querySelector(".room")).inert = place !== "talk";
    if (place === "talk") { this.studio?.close(); return; }
    this.hush();
    this.hearing.stop();
    try {
      const { Studio } = await import("./studio.js");
      if (!this.studio) this.root.append((this.studio = new Studio({ invent: (engine) => this.inventWith(engine) })).element);
      if (this.root.dataset.place === "studio") await this.studio.open();
    } catch (error) { location.hash = "#talk"; this.notices.show(error.message); }
  }

  /** The wizard, at the panel where faces are invented, with a model that may be new. @param {string} engine */
  async inventWith(engine) {
    await this.create();
    const face = this.wizard?.steps.face;
    if (!face) return;
    await this.wizard.go("face");
    face.invent.forget();
    Object.assign(face.invent, { about: null, engine });
    face.imagine(true);
  }

  /** Which models listen and think, loaded when it is first wanted. */
  async models() {
    try {
      const { Models } = await import("./models.js");
      this.drawer ??= new Models(this.root);
      await this.drawer.open();
    } catch (error) { this.notices.show(error.message); }
  }

  /** A twin was deleted. @param {string} id */
  left(id) {
    if (this.twin?.id === id) this.change(this.twins.find((twin) => twin.id !== id)?.id ?? "");
    else this.live.retry();
  }

  /** @param {string} language */
  speakLanguage(language) {
    remember("lang", language);
    setLanguage(language, this.root);
    this.live.send({ type: "lang", lang: language });
    this.hearing.stop();
    this.studio?.rename();
    if (!this.twin) return;
    this.picker.show(this.twins, this.twin.id);
    this.composer.setName(shortName(this.twin));
    this.stage.rename();
    this.talk.redraw();
    this.wizard?.rename();
    welcome(this.talk.hello, this.twin);
  }

  /** @param {string} name @param {any} value */
  changed(name, value) {
    if (name === "volume") this.volume();
    if (name === "captions") this.stage.toggleCaptions(value);
    if (name === "mic") { this.mic.device = value; this.hearing.stop(); }
    if (name === "speaker") this.player.setSpeaker(value).catch((error) => this.notices.show(error.message));
    if (name === "lang") { this.speakLanguage(value); this.settings.open(value, this.engines); }
  }

  volume() { this.player.setVolume(this.choice.volume, this.choice.muted); }

  /** @param {boolean} on */
  setOnly(on) {
    this.only = on;
    this.root.classList.toggle("only", on);
    this.stage.setOnly(on);
  }

  /** What is seen follows from the server, the ear and the microphone. */
  setState() {
    const { player, live } = this;
    let state = live.state === "open" ? this.state : live.state === "offline" ? "offline" : "connecting";
    if (this.hearing.mode === "push") state = "listening";
    else if (player.waiting && state !== "offline") state = "idle";
    else if (live.state === "open" && player.playing) state = "speaking";
    else if (state === "speaking" && !player.waiting && this.asked) state = "thinking";
    this.bar.setOnline(live.state === "open");
    const place = state === "thinking" ? this.place : 0;
    if (state === this.shown && place === this.placeShown && this.busy === (player.playing || this.asked > 0)) return;
    this.shown = state;
    this.placeShown = place;
    this.busy = player.playing || this.asked > 0;
    this.stage.setState(state, this.note, place);
    this.composer.setState(state, this.busy);
  }
}
