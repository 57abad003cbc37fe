/** Which of many short texts is nearest to a question, by character n-grams: the ranking of persona/search.py without an embedder. Pure. */
import { side } from "./alone_words.js";

/** @param {string} text @param {[number, number]} sizes @returns {Map<string, number>} */
function cut(text, [low, high]) {
  const padded = low > 1 ? ` ${text} ` : text, all = Array.from(padded), found = new Map();
  for (let n = low; n <= high; n++) {
    for (let i = 0; i + n <= all.length; i++) {
      const gram = all.slice(i, i + n).join("");
      found.set(gram, (found.get(gram) ?? 0) + 1);
    }
  }
  return found;
}

/** TF-IDF of character n-grams with cosine similarity; grams never seen count as rare ones. */
export class Grams {
  /** @param {string[]} texts normalised @param {[number, number]} sizes */
  constructor(texts, sizes) {
    this.sizes = sizes;
    this.size = texts.length;
    const counts = texts.map((text) => cut(text, sizes)), seen = new Map();
    for (const count of counts) for (const gram of count.keys()) seen.set(gram, (seen.get(gram) ?? 0) + 1);
    this.rare = Math.log(1 + texts.length);
    this.idf = new Map([...seen].map(([gram, number]) => [gram, Math.max(Math.log((1 + texts.length) / (0.5 + number)), 0.05)]));
    /** @type {Map<string, [number[], number[]]>} */
    this.postings = new Map();
    counts.forEach((count, number) => {
      const weights = this.weigh(count);
      for (const [gram, weight] of weights) {
        let row = this.postings.get(gram);
        if (!row) this.postings.set(gram, row = [[], []]);
        row[0].push(number);
        row[1].push(weight);
      }
    });
  }

  /** Weights of length 1. @param {Map<string, number>} count */
  weigh(count) {
    const weights = new Map();
    let sum = 0;
    for (const [gram, times] of count) {
      const idf = this.idf.get(gram) ?? this.rare, weight = (gram.length > 1 ? idf : 0.7 * idf) * (times === 1 ? 1 : 1 + Math.log(times));
      weights.set(gram, weight);
      sum += weight * weight;
    }
    const norm = Math.sqrt(sum) || 1;
    for (const [gram, weight] of weights) weights.set(gram, weight / norm);
    return weights;
  }

  /** Cosines. @param {string} query normalised @returns {Float32Array} */
  scores(query) {
    const found = new Float32Array(this.size);
    for (const [gram, share] of this.weigh(cut(query, this.sizes))) {
      const row = this.postings.get(gram);
      if (row) for (let i = 0; i < row[0].length; i++) found[row[0][i]] += row[1][i] * share;
    }
    return found.map((value) => Math.min(1, Math.max(0, value)));
  }
}

/** How much of a question's content a text holds: rare words, or pairs of Chinese characters, weigh more. */
export class Overlap {
  /** @param {string[]} texts normalised @param {string} language @param {import("./alone_words.js").Words} words */
  constructor(texts, language, words) {
    Object.assign(this, { texts, words, language });
    this.units = texts.map((text) => this.cut(text));
    const seen = new Map();
    for (const units of this.units) for (const unit of units) seen.set(unit, (seen.get(unit) ?? 0) + 1);
    this.idf = new Map([...seen].map(([unit, number]) => [unit, Math.log((2 + texts.length) / (0.5 + number))]));
    this.rare = Math.log(2 * (2 + texts.length));
  }

  /** @param {string} text normalised @returns {Set<string>} */
  cut(text) { return this.language === "zh" ? new Set(this.words.units(text)) : this.words.content(text); }

  /** @param {string} query normalised @param {boolean} both of the text's weight too, the mean of the two shares @returns {Float32Array} */
  scores(query, both) {
    const asked = this.cut(query), found = new Float32Array(this.texts.length);
    const weigh = (/** @type {Iterable<string>} */ units) => { let sum = 0; for (const unit of units) sum += this.weight(unit); return sum; };
    const whole = weigh(asked);
    if (!whole) return found;
    this.units.forEach((own, number) => {
      const shared = [...asked].filter((unit) => own.has(unit) || unit.length === 1 && this.language === "zh" && this.texts[number].includes(unit));
      if (!shared.length) return;
      const held = weigh(shared);
      found[number] = both ? held / whole * 0.55 + 0.45 * held / weigh(new Set([...own, ...shared])) : held / whole;
    });
    return found;
  }

  /** @param {string} unit */
  weight(unit) { return (this.idf.get(unit) ?? this.rare) * (unit.length === 1 && this.language === "zh" ? 0.7 : 1); }
}

/** Texts to be compared with a question. */
export class Index {
  /** @param {string[]} texts as typed @param {string} language @param {import("./alone_words.js").Words} words */
  constructor(texts, language, words) {
    Object.assign(this, { language, words });
    this.texts = texts.map((text) => words.normal(text, language));
    this.sides = this.texts.map(side);
    this.grams = new Grams(this.texts, language === "zh" ? [1, 3] : [2, 4]);
    /** @type {Map<string, number[]>} */
    this.exact = new Map();
    this.texts.forEach((text, number) => this.exact.set(text, [...(this.exact.get(text) ?? []), number]));
  }

  /** 1 = the same, 0 = nothing in common; what a user says of themselves is not what they ask the twin. @param {string} query as typed @param {boolean} [sided] */
  scores(query, sided = true) {
    const asked = this.words.normal(query, this.language), found = this.grams.scores(asked), own = side(asked);
    for (const number of this.exact.get(asked) ?? []) found[number] = 1;
    if (sided && own) this.sides.forEach((other, number) => { if (other && other !== own) found[number] *= 0.7; });
    return found;
  }
}
