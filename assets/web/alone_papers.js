/**
 * The documents of a twin in one file: which sentence answers a question, as persona/documents.py finds it without an embedder, and n-grams where words
 * are as good as each other. What a question wants is told by the tables of persona/wanted.py (persona/carried.py). Pure.
 */
import { Grams } from "./alone_search.js";

/** @typedef {{score: number, text: string, named: string}} Cited */

export const SURE = 0.6;                                // from which score a sentence answers
export const STRONG = 0.72;                             // and goes before what anybody would say
const NEAR = 24, LETTER = "A-Za-z0-9_\\u00c0-\\u024f\\u3400-\\u9fff";
const NAMES = new RegExp(`(?<=[${LETTER},] )[A-Z][a-zA-Z]+(?![${LETTER}])|(?<![${LETTER}])[A-Z]{2,}[A-Z0-9-]*(?![${LETTER}])|(?<![${LETTER}])[A-Za-z]*\\d[${LETTER}-]*`, "g");
const POINTS = /^(?:(?:It|He|She|They|This|These|That|Those|Its|His|Her|Their)\b|[它他她]|[这该其])/;
const PLURALS = [["ies", "y"], ["sses", "ss"], ["ches", "ch"], ["shes", "sh"], ["xes", "x"], ["s", ""]], ENDS = ["ing", "ed", "ly"];

/** Words to compare, and what a question wants (persona/wanted.py). */
export class Wanting {
  /** @param {any} tables @param {import("./alone_words.js").Words} words */
  constructor(tables, words) {
    this.words = words;
    this.dull = new Set(tables.dull);
    this.to = new Map(Object.entries(tables.to));
    this.firsts = new Set(this.to.values());
    this.irregular = new Map(Object.entries(tables.irregular));
    /** @type {[RegExp, string][]} */
    this.same = tables.same_zh.map(([source, put]) => [new RegExp(source, "g"), put]);
    this.firstsZh = new Set(tables.same_zh.map(([, put]) => put));
    this.kinds = tables.kinds.map(([kind, wants, holds, answered]) => ({ kind, wants: new RegExp(wants, "i"), holds: new RegExp(holds, kind === "person" ? "" : "i"), answered: new Set(answered) }));
    this.weak = new Set(tables.weak);
    this.asking = new RegExp(tables.asking_zh, "g");
    this.dullZh = new RegExp(tables.dull_zh, "g");
    this.stems = new Map();
  }

  /** @param {string} word */
  stem(word) {
    let found = this.stems.get(word);
    if (found === undefined) this.stems.set(word, found = this.cut(word));
    return found;
  }

  /** One spelling for a word's forms and for words of the same meaning; "" for one that carries none. @param {string} raw */
  cut(raw) {
    if (this.dull.has(raw)) return "";
    if (this.to.has(raw)) return this.to.get(raw);
    const word = this.irregular.get(raw) ?? raw;
    let bare = word;
    if (word.length > 3 && !/^\d/.test(word)) {
      const plural = PLURALS.find(([end]) => bare.endsWith(end) && !/(?:ss|us|is)$/.test(bare) && bare.length - end.length > 1);
      if (plural) bare = bare.slice(0, -plural[0].length) + plural[1];
      bare = this.to.get(bare) ?? bare;
      if (bare === word || !this.firsts.has(bare)) {
        const end = ENDS.find((one) => bare.endsWith(one) && bare.length - one.length > 2);
        if (end) {
          let stem = bare.slice(0, -end.length);
          if (stem.length > 3 && stem.at(-1) === stem.at(-2) && !/[lse]$/.test(stem)) stem = stem.slice(0, -1);
          bare = this.to.get(stem) ?? this.to.get(stem + "e") ?? stem;
        }
      }
      if (bare.endsWith("e") && bare.length > 4 && !this.firsts.has(bare)) bare = bare.slice(0, -1);
    }
    return this.to.get(bare) ?? bare;
  }

  /** @param {string} text */
  samed(text) { return this.same.reduce((bare, [pattern, put]) => bare.replace(pattern, put), this.words.simplify(text).toLowerCase()); }

  /** @param {string} text @returns {string[]} */
  tokens(text) {
    const found = (text.toLowerCase().replace(/[’']s/g, "").match(/[a-z0-9]+(?:[.-][a-z0-9]+)*/g) ?? []).map((word) => this.stem(word)).filter(Boolean);
    for (const run of /[\u3400-\u9fff]/.test(text) ? this.samed(text).match(/[\u3400-\u9fff]+/g) ?? [] : []) {
      if (run.length === 1) found.push(run);
      else for (let i = 0; i + 1 < run.length; i++) found.push(run.slice(i, i + 2));
    }
    return found;
  }

  /** What is left of a Chinese question without the words that ask. @param {string} question @returns {string[]} */
  runs(question) {
    const bare = this.samed(question).replace(/^(?:请问|你知道|告诉我|你们|我想问|你)+/, "").replace(this.asking, " ");
    return bare.replace(new RegExp(`[^${LETTER}]`, "g"), " ").replace(this.dullZh, " ").split(/\s+/).filter(Boolean);
  }

  /** @param {string} question @param {string} language */
  wanted(question, language) {
    const low = language === "en" ? question.toLowerCase() : this.words.simplify(question), kind = this.kinds.find(({ wants }) => wants.test(low)) ?? null;
    const names = (question.match(NAMES) ?? []).filter((word) => !this.dull.has(word.toLowerCase()) && !["I", "AI", "OK"].includes(word)).map((word) => word.replace(/[^A-Za-z0-9_]/g, "").toLowerCase());
    return { kind, names, words: language === "en" ? [...new Set(this.tokens(question))] : [] };
  }
}

export class Papers {
  /** @param {any} data {documents: [{en: leads, zh: leads, title}], rows: [[sentence, document, page, heading, passage]], wanting} @param {import("./alone_words.js").Words} words */
  constructor(data, words) {
    this.words = words;
    this.documents = data.documents;
    this.rows = data.rows;
    this.wanting = new Wanting(data.wanting, words);
    const { tokens } = this.wanting;
    this.held = this.rows.map(([text]) => new Set(tokens.call(this.wanting, text)));
    const around = new Map();
    this.around = this.rows.map(([, document, , heading]) => {
      const title = `${heading} ${this.documents[document].title}`;
      if (!around.has(title)) around.set(title, new Set(this.wanting.tokens(title)));
      return around.get(title);
    });
    /** @type {Map<number, Set<string>>} words of each passage */
    const passages = new Map();
    this.rows.forEach(([, , , , passage], at) => { const all = passages.get(passage) ?? new Set(); passages.set(passage, all); for (const set of [this.held[at], this.around[at]]) for (const word of set) all.add(word); });
    const seen = new Map();
    for (const all of passages.values()) for (const word of all) seen.set(word, (seen.get(word) ?? 0) + 1);
    const count = passages.size;
    this.idf = new Map([...seen].map(([word, held]) => [word, Math.log(1 + (count - held + 0.5) / (held + 0.5))]));
    this.rare = Math.log(1 + (count + 0.5) / 0.5);
    /** @type {Map<number, string>} */
    this.plain = new Map();
    this.salt = 0;
  }

  /** A passage with its heading and title, in letters and digits alone. @param {number} at one of its sentences */
  written(at) {
    const [, document, , heading, passage] = this.rows[at];
    let found = this.plain.get(passage);
    if (found === undefined) this.plain.set(passage, found = [...this.passage(at).map((row) => row[0]), heading, this.documents[document].title].join(" ").toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
    return found;
  }

  /** @param {string} word */
  weight(word) { return (this.idf.get(word) ?? this.rare) * (this.wanting.weak.has(word) || word.length === 1 ? 0.35 : 1) + 0.2; }

  /** The words of a Chinese question: pairs that the documents know, so that no pair lies across two words. @param {string} question @returns {string[]} */
  wordsZh(question) {
    const found = [];
    for (const run of this.wanting.runs(question)) {
      if (!/[\u3400-\u9fff]/.test(run)) { found.push(...this.wanting.tokens(run)); continue; }
      /** @type {[number, string[]][]} */
      const best = [[0, []]];
      for (let end = 1; end <= run.length; end++) {
        let way = /** @type {[number, string[]]} */ ([best[end - 1][0] + 0.6, [...best[end - 1][1], run[end - 1]]]);
        const pair = run.slice(end - 2, end), cost = end > 1 ? best[end - 2][0] + (this.idf.has(pair) || this.wanting.firstsZh.has(pair) ? 0 : 1) : Infinity;
        if (cost < way[0]) way = [cost, [...best[end - 2][1], pair]];
        best.push(way);
      }
      found.push(...best[run.length][1]);
    }
    return [...new Set(found)];
  }

  /** The sentence that answers best, with its source; null where none has anything to do with it. @param {string} question @param {string} language @returns {Cited | null} */
  find(question, language) {
    const asked = this.wanting.wanted(question, language), words = language === "zh" ? this.wordsZh(question) : asked.words;
    const weights = words.map((word) => this.weight(word)), whole = weights.reduce((sum, one) => sum + one, 0);
    if (!whole) return null;
    const covers = this.rows.map((row, at) => this.cover(at, words, weights, whole, asked)), order = [...covers.keys()].sort((a, b) => covers[b] - covers[a]).slice(0, NEAR);
    if (covers[order[0]] < 0.3) return null;
    const low = (/** @type {string} */ text) => this.words.simplify(text).toLowerCase(), alike = new Grams(order.map((one) => low(this.rows[one][0])), [2, 3]).scores(low(question));
    const at = order[order.reduce((best, one, n) => (covers[one] + 0.05 * alike[n] > covers[order[best]] + 0.05 * alike[best] ? n : best), 0)];
    return { score: Math.min(1, covers[at]), ...this.said(at, language) };
  }

  /** How much of what is asked a sentence holds, with its heading and its neighbours. @param {number} at @param {string[]} words @param {number[]} weights @param {number} whole @param {any} asked */
  cover(at, words, weights, whole, { kind, names }) {
    const [text, , , , passage] = this.rows[at], next = (/** @type {number} */ by) => (this.rows[at + by]?.[4] === passage ? this.held[at + by] : null);
    const before = next(-1), after = next(1), back = POINTS.test(text) ? 0.9 : 0.75, missed = [];
    let share = 0, missing = 0;
    words.forEach((word, n) => {
      const held = this.held[at].has(word) || word.length === 1 && text.includes(word) ? 1 : this.around[at].has(word) ? 0.85 : before?.has(word) ? back : after?.has(word) ? 0.4 : 0;
      share += weights[n] * held;
      if (!held) { missed.push(word); missing += weights[n]; }
    });
    if (!share) return 0;
    let score = share / whole;
    const holds = !kind || kind.holds.test(text);
    if (missed.length && kind && holds) score += 0.85 * missing / whole * missed.filter((word) => kind.answered.has(word) || kind.kind === "may" && this.wanting.weak.has(word)).length / missed.length;
    if (names.some((/** @type {string} */ name) => !this.written(at).includes(name))) score *= 0.5;
    return score * (holds ? 1 : 0.66) * (/[?？]$/.test(text) ? 0.6 : 1);
  }

  /** The sentences of a passage. @param {number} at one of them @returns {any[]} */
  passage(at) {
    const own = this.rows[at][4];
    let first = at, last = at;
    while (this.rows[first - 1]?.[4] === own) first--;
    while (this.rows[last + 1]?.[4] === own) last++;
    return this.rows.slice(first, last + 1);
  }

  /** What is said of a sentence: its source, and itself; with the one before it where it points back. @param {number} at @param {string} language */
  said(at, language) {
    const [text, number, page, heading, passage] = this.rows[at], zh = language === "zh", { title, ...leads } = this.documents[number];
    const join = /[\u3400-\u9fff]$|[。！？；]$/.test(this.rows[at - 1]?.[0] ?? "") ? "" : " ";
    const quote = [POINTS.test(text) && this.rows[at - 1]?.[4] === passage ? this.rows[at - 1][0] + join : "", text, /[:：]$/.test(text) && this.rows[at + 1]?.[4] === passage ? " " + this.rows[at + 1][0] : ""].join("");
    const whole = /[.!?。！？”"…]$/.test(quote) ? quote : quote.replace(/[,;:，；：]+$/, "") + (zh ? "。" : ".");
    const place = page ? (zh ? `第${page}页` : `, p. ${page}`) : heading ? (zh ? `“${heading}”` : `, “${heading}”`) : "";
    return { text: leads[language][this.salt++ % leads[language].length] + whole, named: zh ? `《${title}》${place}` : title + place };
  }
}
