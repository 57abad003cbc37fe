/** Words as typed -> words to compare, as persona/words.py does it; its tables come with the page (persona/carried.py). Pure. */

const MOST = 900;                                       // characters of a question that are looked at

/** @param {string} source @param {string} [flags] */
const expression = (source, flags = "i") => (source ? new RegExp(source, flags) : null);

export class Words {
  /** @param {any} tables */
  constructor(tables) {
    this.simple = new Map([...tables.traditional].map((one, i) => [one, [...tables.simplified][i]]));
    /** @type {[RegExp, string][]} */
    this.contractions = tables.contractions.map(([source, put]) => [expression(source, "g"), put]);
    /** @type {[RegExp, string][]} */
    this.same = tables.same.map(([source, put]) => [expression(source, "g"), put]);
    this.particles = expression(tables.particles);
    this.leads = { en: expression(tables.leads.en), zh: expression(tables.leads.zh) };
    this.dull = { en: new Set(tables.dull.en), zh: expression(tables.dull.zh, "g") };
    /** @type {Map<string, string>} */
    this.kept = new Map();
  }

  /** Printable, NFKC, single spaces, bounded. @param {string} text */
  clean(text) {
    const flat = text.slice(0, 2 * 4000).normalize("NFKC").replace(/[\p{Cf}\p{Co}\p{Cn}]/gu, "").replace(/[\p{Cc}\p{Cs}\s]+/gu, " ").trim();
    return flat.length <= MOST ? flat : `${flat.slice(0, MOST * 2 / 3)} ${flat.slice(-MOST / 3)}`;
  }

  /** Traditional characters as simplified ones. @param {string} text */
  simplify(text) { return Array.from(text, (one) => this.simple.get(one) ?? one).join(""); }

  /** English in lower case with contractions written out; punctuation kept. @param {string} text */
  spellOut(text) {
    let low = text.toLowerCase().replace(/[’`]/g, "'");
    for (const [pattern, put] of this.contractions) low = low.replace(pattern, put);
    return squeezed(low);
  }

  /** One spelling for what means the same. @param {string} text @param {string} language */
  normal(text, language) {
    const key = language + text;
    let found = this.kept.get(key);
    if (found === undefined) this.kept.set(key, found = language === "zh" ? this.normalZh(text) : this.normalEn(text));
    return found;
  }

  /** @param {string} text */
  normalEn(text) {
    const low = squeezed(this.spellOut(text).replace(/[^\p{L}\p{N}_\s'+]/gu, " "));
    const led = low.replace(this.leads.en, "").trim().replace(/\s+(please|then|though|by the way|exactly|right now|actually|mate|buddy|dude|bro|my friend)$/, "");
    return led || low;
  }

  /** @param {string} text */
  normalZh(text) {
    let bare = this.simplify(text).toLowerCase().replace(/[^\p{L}\p{N}_]/gu, "");
    bare = bare.replace(this.leads.zh, "") || bare;
    bare = bare.replace(/(?<=你)(?:到底|究竟|其实|真的|自己)(?=是谁|叫|是什么)/g, "");
    for (const [pattern, put] of this.same) bare = bare.replace(pattern, put);
    return bare.replace(this.particles, "") || bare;
  }

  /** As the expressions of rules look at a text: without punctuation. @param {string} text @param {string} language */
  plain(text, language) {
    if (language === "zh") return this.simplify(text).replace(/[^\p{L}\p{N}_]/gu, "");
    return squeezed(this.spellOut(text).replace(/[^\p{L}\p{N}_\s]/gu, " "));
  }

  /** Words that carry meaning, cut to their first five letters. @param {string} text normalised */
  content(text) {
    return new Set((text.match(/[a-z0-9']+/g) ?? []).filter((word) => !this.dull.en.has(word)).map((word) => word.slice(0, 5).replace(/s+$/, "")));
  }

  /** Pairs of characters that carry meaning. @param {string} text normalised Chinese @returns {string[]} */
  units(text) {
    const runs = text.replace(/[^\p{L}\p{N}_]/gu, " ").replace(this.dull.zh, " ").split(/\s+/).filter(Boolean);
    return runs.flatMap((run) => (run.length === 1 || /^[\x00-\x7f]*$/.test(run) ? [run] : Array.from({ length: run.length - 1 }, (_, i) => run.slice(i, i + 2))));
  }

  /** The language of a text, else of what was said before, else the page's. @param {string} text @param {string[]} before newest first @param {string} page */
  language(text, before, page) {
    for (const words of [text, ...before]) {
      const letters = words.match(/[A-Za-z\u3400-\u9fff]/g);
      if (letters && (letters.length > 1 || words === text && letters[0] >= "\u3400")) return hanShare(words) >= 0.4 ? "zh" : "en";
    }
    return page;
  }
}

/** @param {string} text */
const squeezed = (text) => text.split(/\s+/).filter(Boolean).join(" ");

/** Chinese characters among the letters, an English word counted as two. @param {string} text */
function hanShare(text) {
  const han = (text.match(/[\u3400-\u9fff]/g) ?? []).length, latin = (text.match(/[A-Za-zÀ-ɏ]+/g) ?? []).length;
  return han + latin ? han / (han + 2 * latin) : 0;
}

/** "me" where only the speaker is spoken of, "you" where only the one spoken to. @param {string} text normalised */
export function side(text) {
  const mine = /\b(i|my|me|myself)\b|我/.test(text), yours = /\b(you|your|yours|yourself)\b|你/.test(text);
  return mine === yours ? "" : mine ? "me" : "you";
}
