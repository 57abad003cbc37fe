/**
 * What a twin in one file says to a question: rules, its own lines and lines for anybody, facts, and else that it doesn't know. What it would say
 * to each way of asking was asked of the real mind beforehand (persona/carried.py); here the nearest way of asking is found. Pure.
 */
import { Papers, STRONG, SURE } from "./alone_papers.js";
import { Index, Overlap } from "./alone_search.js";
import { Words } from "./alone_words.js";

/** @typedef {{id: string, step: string, mood: string, say: number, score: number, language: string, near: string[],
 * text?: string, source?: string}} Found `text`: said as it is, quoted from `source` */

const ADDED = { soft: 0.12, remark: 0.08, statement: 0.08 };    // a line of its own goes before a soft rule or a remark where it is this much closer
const SHARE = { en: 0.85, zh: 0.85 };                   // what sharing all that is asked about is worth
const IN_NEED = /^(crisis|crisis-other|emergency)$/;
const HAPPY = /[😂🤣😆😀😃😄😁😊🙂😍🥰😘😎🤗❤💕💖👍🎉✨🌹🌸😋😉😜🥳]/u, SAD = /[😢😭😞😔☹🙁😟😩😫😣😖💔😿🥺😰😥]/u;

const WISH = /\b(tell|show|explain|describe|summari[sz]e|list|name)\b|告诉|介绍|说说|讲讲|解释|列出/i, YOU = /\byou(r|rs|rself)?\b|你/i;

/** One language of a mind. */
class Room {
  /** @param {string} language @param {any} data @param {Words} words */
  constructor(language, data, words) {
    Object.assign(this, { language, words, data });
    const texts = (/** @type {any[]} */ rows) => rows.map(([text]) => text);
    this.own = new Index(texts(data.asks), language, words);
    this.shared = new Index(texts(data.shared), language, words);
    this.facts = new Index(texts(data.facts), language, words);
    const made = (/** @type {string} */ source) => (source ? new RegExp(source, "i") : null);
    this.rules = data.rules.map((rule) => ({ ...rule, when: made(rule.when), unless: made(rule.unless) }));
    this.topics = data.topics.map(([source, reply]) => [made(source), reply]);
    this.names = data.facts.map(([, , source]) => (source ? new RegExp(source) : null));
    this.asking = made(data.question);
    this.without = "";                                  // a way of asking that is left out, by those who measure
    this.wants = Object.entries(data.wants).map(([kind, source]) => [kind, made(source)]);
    this.holds = Object.fromEntries(Object.entries(data.holds).map(([kind, source]) => [kind, made(source)]));
    this.overlaps = { own: new Overlap(this.own.texts, language, words), shared: new Overlap(this.shared.texts, language, words), facts: new Overlap(this.facts.texts, language, words) };
    this.askKinds = this.own.texts.map((text) => this.kind(text));
  }

  /** What a Chinese question wants: time, money, a number ... @param {string} text normalised */
  kind(text) { return String(this.wants.find(([, pattern]) => pattern.test(text))?.[0] ?? ""); }

  /** @param {string} text */
  isQuestion(text) {
    if (/[?？]/.test(text)) return true;
    if (this.language === "zh") return this.asking.test(this.words.simplify(text));
    return this.asking.test(this.words.normal(text, "en")) || this.asking.test(this.words.spellOut(text));
  }

  /** The first rule of a stage that fits. @param {string} plain @param {string} stage @returns {any} */
  rule(plain, stage) {
    return this.rules.find((rule) => rule.stage === stage && rule.when.test(plain) && !rule.unless?.test(plain));
  }

  /** Ways of asking, best first, one for each reply. @param {"own" | "shared"} which @param {string} text @param {string} last id of the reply before
   * @returns {{reply: string, score: number, ask: string}[]} */
  hits(which, text, last) {
    const tries = this.language === "zh" && text.length < 16 && !/[你您我他她它谁]/.test(text) ? [text, "你" + text] : [text];
    return tries.map((one) => this.best(which, one, last)).reduce((a, b) => ((b[0]?.score ?? 0) > (a[0]?.score ?? 0) ? b : a));
  }

  /** @param {"own" | "shared"} which @param {string} text @param {string} last */
  best(which, text, last) {
    const rows = which === "own" ? this.data.asks : this.data.shared, index = which === "own" ? this.own : this.shared;
    if (!rows.length) return [];
    const scores = index.scores(text), asked = this.words.normal(text, this.language);
    if (which === "own" || this.language === "en") this.weigh(which, asked, scores);
    const found = new Map();
    for (const i of [...scores.keys()].sort((a, b) => scores[b] - scores[a]).slice(0, 60)) {
      const [ask, reply, follow] = rows[i];
      if (found.has(reply) || index.texts[i] === this.without || follow && follow !== last) continue;
      found.set(reply, { reply, ask, score: scores[i] + (follow && scores[i] < 0.95 ? 0.12 : 0) });
    }
    if (which === "shared") {
      const plain = this.words.plain(text, this.language);
      this.topics.filter(([pattern]) => pattern.test(plain)).forEach(([, reply], nth) => {
        const score = 0.86 - 0.02 * nth;
        if (score > (found.get(reply)?.score ?? 0)) found.set(reply, { reply, ask: "", score });
      });
    }
    return [...found.values()].sort((a, b) => b.score - a.score);
  }

  /** Texts that share what is asked about count for more, those alike in form alone for less. @param {"own" | "shared"} which @param {string} asked normalised @param {Float32Array} scores */
  weigh(which, asked, scores) {
    const overlap = this.overlaps[which], shared = overlap.scores(asked, true), solid = overlap.cut(asked).size > 0, wants = this.kind(asked), share = SHARE[this.language];
    scores.forEach((score, i) => {
      if (solid && !shared[i] && score < 0.75) score *= 0.8;
      scores[i] = Math.max(score, shared[i] * share * (which === "shared" || this.askKinds[i] === wants ? 1 : 0.6));
    });
  }

  /** The fact that answers best. @param {string} text @returns {{reply: string, score: number} | null} */
  fact(text) {
    if (!this.data.facts.length) return null;
    const scores = this.facts.scores(text, false), asked = this.words.normal(text, this.language);
    if (this.language === "en") {
      const wanted = [...this.words.content(asked)];
      if (wanted.length) this.data.facts.forEach(([fact], i) => { const held = this.words.content(fact.toLowerCase()); if (wanted.every((word) => held.has(word))) scores[i] = Math.max(scores[i], 0.56); });
    } else {
      const shared = this.overlaps.facts.scores(asked, false), holds = this.holds[this.kind(asked)];
      this.data.facts.forEach(([fact], i) => { scores[i] = Math.max(scores[i], shared[i] * 0.75) * (!holds || holds.test(fact) ? 1 : 0.5); });
    }
    this.names.forEach((pattern, i) => { if (pattern?.test(text)) scores[i] = Math.max(scores[i], 0.7 + scores[i] * 0.2); });
    const best = scores.reduce((at, score, i) => (score > scores[at] ? i : at), 0);
    return { reply: this.data.facts[best][1], score: scores[best] };
  }
}

export class Mind {
  /** @param {any} data {words, languages: {en?, zh?}, papers?} */
  constructor(data) {
    this.words = new Words(data.words);
    this.data = data.languages;
    this.given = data.papers ?? null;
    /** @type {Map<string, Room>} */
    this.rooms = new Map();
    this.languages = Object.keys(this.data);
    /** @type {Map<string, number>} when a text was said last, by language and number */
    this.said = new Map();
    this.clock = 0;
    this.last = "";
    /** @type {string[]} what the user said, newest first */
    this.heard = [];
  }

  /** Made when it is first asked: some 0.2 s. @param {string} language */
  room(language) {
    let room = this.rooms.get(language);
    if (!room) this.rooms.set(language, room = new Room(language, this.data[language], this.words));
    return room;
  }

  /** The documents, made when they are first asked. @returns {Papers | null} */
  get papers() { return this.given && (this.read ??= new Papers(this.given, this.words)); }

  /** What a document says to a question, before the twin's own fact only where it holds more of what is asked. @param {string} text @param {Room} room */
  cited(text, room) { return room.isQuestion(text) || WISH.test(text) ? this.papers?.find(text, room.language) ?? null : null; }

  /** @param {string} language */
  greeting(language) { return this.told(this.room(this.spoken(language)), "greeting", 1); }

  /** One of the page's languages. @param {string} language */
  spoken(language) { return this.languages.includes(language) ? language : this.languages[0]; }

  /** Answers as if nobody had foreseen this way of asking. @param {string} text "" ends that */
  leaveOut(text) { for (const language of this.languages) this.room(language).without = text && this.words.normal(text, language); }

  /** Forget the conversation. */
  clear() { this.said.clear(); this.last = ""; this.heard = []; }

  /** @param {string} typed @param {string} page language @returns {Found} */
  answer(typed, page) {
    const text = this.words.clean(typed), room = this.room(this.spoken(this.words.language(text, this.heard, page)));
    const found = this.find(text, room);
    this.heard = [text, ...this.heard].slice(0, 8);
    return found;
  }

  /** @param {string} text @param {Room} room @returns {Found} */
  find(text, room) {
    const { words } = this, { margins } = room.data;
    const blank = this.blank(text, room);
    if (blank) return blank;
    const care = this.care(text, room);
    if (care) return care;
    const own = room.hits("own", text, this.last), shared = room.hits("shared", text, this.last), plain = words.plain(text, room.language);
    const best = own[0]?.score ?? 0, common = shared[0]?.score ?? 0;
    const exact = [own[0], shared[0]].find((hit) => hit && hit.score >= 0.999 && hit.ask);
    if (exact) return this.told(room, exact.reply, 1);
    const rule = room.rule(plain, "rule"), cited = rule && !rule.soft ? null : this.cited(text, room), strong = cited && cited.score >= STRONG;
    if (rule && !(rule.soft && (strong || best >= margins.close + ADDED.soft))) return this.told(room, rule.reply, 1);
    const remark = room.rule(plain, "remark");
    if (remark && !strong && best < margins.close + ADDED.remark) return this.told(room, remark.reply, 1);
    if (best >= margins.close && best >= common - 0.08) return this.told(room, own[0].reply, best);
    if (cited && strong && best < margins.close && !(YOU.test(text) && common >= margins.close - 0.04)) return this.quoted(room, cited);
    if (common >= margins.close) return this.told(room, shared[0].reply, common);
    if (best >= margins.close) return this.told(room, own[0].reply, best);
    const fact = room.fact(text), asks = room.isQuestion(text);
    if (fact && asks && fact.score >= margins.fact + (YOU.test(text) ? 0 : ADDED.statement) && !(cited && cited.score > Math.max(SURE, fact.score))) return this.told(room, fact.reply, fact.score);
    if (cited && cited.score >= SURE) return this.quoted(room, cited);
    const late = room.rule(plain, "late");
    if (late && room.data.replies[late.reply].step !== "unknown") return this.told(room, late.reply, 1);
    if (!asks && !late) return this.told(room, "heard", 0);
    const near = [...own, ...shared].filter((hit) => hit.ask && hit.score > 0.22 && /^(line|fact)$/.test(room.data.replies[hit.reply].step))
      .sort((a, b) => b.score - a.score).slice(0, 3).map((hit) => hit.ask);
    return { ...this.told(room, late?.reply ?? (YOU.test(text) ? "unknown-self" : "unknown"), 0), near };
  }

  /** What has no letters in it. @param {string} text @param {Room} room */
  blank(text, room) {
    if (/[\p{L}\p{N}]/u.test(text)) return null;
    const name = !text ? "empty" : HAPPY.test(text) ? "emoji-happy" : SAD.test(text) ? "emoji-sad" : /^[?？!！\s]+$/.test(text) ? "question-mark"
      : /^[.。…·~～\s-]+$/.test(text) ? "dots" : /[\u2190-\uffff]/.test(text) ? "emoji" : "gibberish";
    return this.told(room, room.data.replies[name] ? name : "unknown", 1);
  }

  /** Care comes before everything, in either language, and stays once somebody has spoken of dying. @param {string} text @param {Room} room */
  care(text, room) {
    const need = (/** @type {string} */ said) => this.languages.map((one) => this.room(one).rule(this.words.plain(said, one), "care")).find(Boolean);
    const rule = need(text);
    if (rule) return this.told(room, room.data.replies[rule.reply] ? rule.reply : "unknown", 1);
    if (!this.heard.slice(0, 2).some((said) => IN_NEED.test(need(said)?.id ?? "")) || !room.data.replies["crisis-stay"]) return null;
    return room.isQuestion(text) ? null : this.told(room, "crisis-stay", 1);
  }

  /** @param {Room} room @param {import("./alone_papers.js").Cited} cited @returns {Found} */
  quoted(room, { text, named, score }) {
    this.last = "document";
    return { id: "document", step: "document", mood: "neutral", say: -1, score, language: room.language, near: [], text, source: named };
  }

  /** A reply, in the words that were said longest ago. @param {Room} room @param {string} id @param {number} score @returns {Found} */
  told(room, id, score) {
    const { step, mood, say } = room.data.replies[id];
    const since = (/** @type {number} */ one) => this.said.get(room.language + one) ?? 0, number = say.reduce((oldest, one) => (since(one) < since(oldest) ? one : oldest), say[0]);
    this.said.set(room.language + number, ++this.clock);
    this.last = id;
    return { id, step, mood, say: number, score, language: room.language, near: [] };
  }
}
