/** One's own twins: the list, and what can be done with one: talk, edit, rename, duplicate, save, film, lock, delete, open a file. */
import "./create_words.js";
import { ask, askJson, coded, hand } from "./api.js";
import { asking, h, icon, iconButton, say } from "./dom.js";
import { filmDialog } from "./film.js";
import { popover } from "./menu.js";
import { forgetPictures, portrait } from "./pictures.js";
import { own, word } from "./words.js";

const SHORTEST = 8;                                     // characters of a passphrase

export class Mine {
  /** @param {{notices: import("./notices.js").Notices, talk(id: string): void, changed(): void, current(): string, gone(id: string): void, create(): void}} does */
  constructor(does) {
    this.does = does;
    /** @type {any[]} */
    this.twins = [];
    this.place = h("div", { class: "mine-place" });
    this.file = h("input", { type: "file", accept: ".twin,application/zip", tip: "m_import", hidden: true, onchange: () => { const [file] = this.file.files; this.file.value = ""; if (file) this.import(file); } });
    this.place.append(this.file);
    this.loaded = this.load();
  }

  async load() {
    try { this.twins = (await askJson("twins")).twins ?? []; } catch { /* a server without twins of one's own */ }
    return this.twins;
  }

  /** The twins of the page with what is known of the own ones. @param {any[]} twins */
  join(twins) { return twins.map((twin) => this.known(twin)); }

  /** @param {any} twin */
  known(twin) { return { ...this.twins.find((one) => one.id === twin.id), ...twin }; }

  /** The menu under a twin's name in the picker. @param {any} twin */
  menu(twin) {
    const button = iconButton("more", "my_menu", () => {}, { class: "round tiny mine-menu", args: { name: own(twin.name) }, "aria-haspopup": "menu" });
    return popover(button, this.items(twin));
  }

  /** @param {any} twin @returns {[any, string, () => void][]} */
  items(twin) {
    if (twin.locked) return [["open", "m_unlock", () => this.unlock(twin)], ["trash", "m_delete", () => this.delete(twin)]];
    return [["edit", "m_edit", () => this.edit(twin)], ["paste", "m_knowledge", () => this.knowledge(twin)], ["chat", "m_words", () => this.learn(twin)], ["person", "m_rename", () => this.rename(twin)], ["copy", "m_duplicate", () => this.duplicate(twin)],
      ["film", "m_film", () => filmDialog(this.place, twin)], ["bookmark", "m_memory", () => this.memory(twin)], ["share", "m_share", () => this.share(twin)], ["save", "m_export", () => this.export(twin)], ["card", "m_card", () => this.card(twin)], ["check", "m_consent", () => this.consent(twin)], ["lock", "m_lock", () => this.lock(twin)], ["trash", "m_delete", () => this.delete(twin)]];
  }

  /** @param {any} twin */
  async share(twin) {
    try {
      const { Share } = await import("./share.js");
      new Share(this, twin);
    } catch (error) { this.bad(error); }
  }

  /** @param {any} twin */
  async knowledge(twin) {
    try {
      const { Knowledge } = await import("./knowledge.js");
      new Knowledge(this, twin);
    } catch (error) { this.bad(error); }
  }

  /** @param {any} twin */
  async learn(twin) {
    try {
      const { Learn } = await import("./learn.js");
      new Learn(this, twin);
    } catch (error) { this.bad(error); }
  }

  /** What a twin, own or not, remembers of whoever sits here. @param {any} twin */
  async memory(twin) {
    try {
      const { Memory } = await import("./memory.js");
      new Memory(this, twin);
    } catch (error) { this.bad(error); }
  }

  /** @param {any} twin */
  async consent(twin) {
    try {
      const { consentDialog } = await import("./consent.js");
      await consentDialog(this, twin);
    } catch (error) { this.bad(error); }
  }

  async open() {
    const list = h("ul", { class: "mine" }), dialog = this.dialog("my_twins", {}, list, h("div", { class: "answers" },
      h("button", { type: "button", class: "small", onclick: () => { dialog.close(); this.file.click(); } }, icon("box"), h("span", { t: "m_import" })),
      h("button", { type: "button", class: "small strong", onclick: () => { dialog.close(); this.does.create(); } }, icon("plus"), h("span", { t: "make_own" }))));
    await this.load();
    if (!this.twins.length) { list.replaceChildren(h("li", { class: "soft none", t: "my_none" })); return; }
    list.replaceChildren(...this.twins.map((twin) => {
      const avatar = h("span", { class: "avatar" }), measured = this.measured(twin);
      portrait(avatar, twin);
      const items = this.items(twin).map(([name, key, run]) => /** @type {[any, string, () => void]} */ ([name, key, () => { dialog.close(); run(); }]));
      return h("li", {}, h("button", { type: "button", class: "take", onclick: () => { dialog.close(); if (twin.locked) this.unlock(twin); else this.does.talk(twin.id); } }, avatar,
        h("span", {}, h("b", {}, own(twin.name), twin.locked && h("em", { t: "locked" })), h("small", {}, own(twin.tagline) || ""), measured.length > 0 && h("small", { class: "measured" }, ...measured.map((text) => h("span", {}, text))))),
      popover(iconButton("more", "my_menu", () => {}, { class: "round", args: { name: own(twin.name) }, "aria-haspopup": "menu" }), items));
    }));
  }

  /** What was measured of a twin, in words. @param {any} twin @returns {string[]} */
  measured({ measured }) {
    const said = [], { lips, voice, persona, when } = measured ?? {}, like = voice?.similarity;
    if (lips) said.push(word("measured_lips", { closed: lips.closed.toFixed(2), open: lips.open.toFixed(2) }));
    if (typeof like === "number") said.push(word("measured_voice", { n: like.toFixed(2) }));
    else if (voice?.seconds) said.push(word("measured_from", { s: Math.round(voice.seconds) }));
    if (persona?.facts || persona?.examples) said.push(word("sum_lines", { facts: persona.facts ?? 0, examples: persona.examples ?? 0 }));
    if (said.length && !isNaN(Date.parse(when))) said.push(new Date(`${when}T12:00`).toLocaleDateString(document.documentElement.lang || undefined));
    return said;
  }

  /** A sheet with a title, closed and gone by itself. @param {string} key @param {object} args @param {...any} parts @returns {any} */
  dialog(key, args, ...parts) {
    const id = "twin-" + key, dialog = h("dialog", { class: "sheet small-sheet", "aria-labelledby": id },
      h("header", {}, h("h2", { id, t: key, args }), iconButton("close", "close", () => dialog.close(), { class: "round ghost" })), ...parts);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => dialog.remove());
    (document.querySelector("#twin-create.open") ?? this.place).append(dialog);
    dialog.showModal();
    return dialog;
  }

  /** A sheet that asks for something and does it; what goes wrong stands in it. @param {string} key @param {any} twin @param {HTMLElement[]} fields
   * @param {string} action @param {() => Promise<void>} run @param {{note?: string, bad?: boolean}} [options] */
  ask(key, twin, fields, action, run, { note = "", bad = false } = {}) {
    const form = asking({ note, fields, action, bad, run, close: () => dialog.close() }), dialog = this.dialog(key, { name: own(twin.name) }, form);
    /** @type {HTMLElement | null} */ (form.querySelector(".box"))?.focus();
    return dialog;
  }

  /** @param {string} key @param {string} value @param {string} [type] */
  input(key, value, type = "text") {
    const input = h("input", { type, class: "box", id: "mine-" + key, value, maxlength: 200, autocomplete: type === "password" ? "new-password" : "off" });
    return { input, field: h("div", { class: "f" }, h("label", { class: "field-label", for: input.id }, h("span", { t: key })), input) };
  }

  /** After something changed on the server. @param {any} [twin] whose pictures are others now @param {any} [edited] who is another now */
  async changed(twin, edited) {
    if (twin) forgetPictures(twin);
    await this.load();
    if (edited && edited.id === this.does.current()) this.does.talk(edited.id);
    else this.does.changed();
  }

  /** @param {string} key @param {object} [args] */
  good(key, args) { this.does.notices.show(word(key, args), "", { kind: "good" }); }

  /** @param {any} error */
  bad(error) { this.does.notices.show(error.message, error.hint ?? ""); }

  /** @param {any} twin */
  async edit(twin) {
    try {
      const [{ Form }, { fields }] = await Promise.all([import("./create_character.js"), askJson(`twins/${twin.id}/fields`)]);
      const form = new Form(() => {});
      form.fill(fields);
      const dialog = this.ask("m_edit", twin, [form.element], "save_it", async () => {
        try { await askJson(`twins/${twin.id}/edit`, { json: form.fields() }); } catch (error) { if (form.tell(error)) error.hint = ""; throw error; }
        await this.changed(null, twin);
        this.good("edited");
      });
      dialog.classList.add("wide-sheet");
    } catch (error) { this.bad(error); }
  }

  /** Teach it what to say when it is asked that. @param {any} twin @param {string} asked @param {string} said what it said @param {() => void} done */
  teach(twin, asked, said, done) {
    const { input, field } = this.input("teach_asked", asked.slice(0, 300));
    input.maxLength = 300;
    const answer = h("textarea", { class: "box", rows: 3, id: "mine-teach_said", maxlength: 800, placeholder: said.slice(0, 300) });
    this.ask("teach_title", twin, [field, h("div", { class: "f" }, h("label", { class: "field-label", for: answer.id }, h("span", { t: "teach_said" })), answer)], "teach_it", async () => {
      await askJson(`twins/${twin.id}/teach`, { json: { asked: input.value, said: answer.value } });
      this.good("taught");
      done();
    }, { note: "teach_text" });
    (asked ? answer : input).focus();
  }

  /** @param {any} twin */
  rename(twin) {
    const { input, field } = this.input("f_name", own(twin.name));
    this.ask("m_rename", twin, [field], "save_it", async () => {
      const { fields } = await askJson(`twins/${twin.id}/fields`);
      await askJson(`twins/${twin.id}/edit`, { json: { ...fields, name: input.value } });
      await this.changed(null, twin);
      this.good("renamed");
    });
    input.select();
  }

  /** @param {any} twin */
  async duplicate(twin) {
    try {
      const answer = await askJson(`twins/${twin.id}/duplicate`, { json: {} });
      await this.changed();
      this.good("duplicated", { name: own(answer.twin?.name ?? twin.name) });
    } catch (error) { this.bad(error); }
  }

  /** @param {any} twin */
  export(twin) {
    const { input, field } = this.input("passphrase_optional", "", "password");
    this.ask("bundle_title", twin, [field], "save_file", async () => {
      if (input.value && input.value.length < SHORTEST) throw new Error(word("passphrase_short"));
      const blob = await (await ask(`twins/${twin.id}/bundle`, { json: input.value ? { passphrase: input.value } : {} })).blob();
      hand(blob, `${twin.id}.twin`);
      this.good("exported");
    }, { note: "bundle_text" });
  }

  /** @param {any} twin */
  async card(twin) {
    try { hand(await (await ask(`twins/${twin.id}/card.png`)).blob(), `${twin.id}.card.png`); this.good("exported"); } catch (error) { this.bad(error); }
  }

  /** @param {any} twin */
  lock(twin) {
    const first = this.input("passphrase", "", "password"), second = this.input("passphrase_again", "", "password");
    this.ask("lock_title", twin, [first.field, second.field], "m_lock", async () => {
      if (first.input.value.length < SHORTEST) throw new Error(word("passphrase_short"));
      if (first.input.value !== second.input.value) throw new Error(word("passphrase_unlike"));
      await askJson(`twins/${twin.id}/lock`, { json: { passphrase: first.input.value } });
      await this.changed(twin);
      this.good("locked_now");
    }, { note: "lock_text" });
  }

  /** @param {any} twin @param {() => void} [then] */
  unlock(twin, then = () => this.does.talk(twin.id)) {
    const { input, field } = this.input("passphrase", "", "password");
    input.autocomplete = "current-password";
    this.ask("unlock_title", twin, [field], "m_unlock", async () => {
      await askJson(`twins/${twin.id}/unlock`, { json: { passphrase: input.value } });
      await this.changed(twin);
      this.good("unlocked_now");
      then();
    }, { note: "unlock_text" });
  }

  /** @param {any} twin */
  delete(twin) {
    const still = h("p", { class: "soft", hidden: true });
    if (!twin.locked) askJson(`twins/${twin.id}/share`).then(({ published }) => {
      still.hidden = !published.length;
      still.textContent = word("still_published", { list: published.map((/** @type {any} */ place) => place.repo).join(", ") });
    }).catch(() => {});
    this.ask("delete_title", twin, [still], "delete_it", async () => {
      const { removed = [], standing = [] } = await askJson(`twins/${twin.id}`, { method: "DELETE" });
      forgetPictures(twin);
      this.twins = this.twins.filter((one) => one.id !== twin.id);
      this.does.gone(twin.id);
      const dialog = this.dialog("deleted_title", { name: own(twin.name) }, h("p", { t: "deleted_text" }), h("ul", { class: "removed" }, ...removed.map((/** @type {any} */ what) => h("li", {}, icon("check"), h("span", {}, what.text ?? own(what))))),
        standing.length ? h("p", { class: "soft", t: "still_there", args: { list: standing.join(", ") } }) : null,
        h("div", { class: "answers" }, h("button", { type: "button", class: "small strong", t: "done", onclick: () => dialog.close() })));
    }, { note: "delete_text", bad: true });
  }

  /** @param {File} file */
  async import(file) {
    try {
      const twin = await this.sending(file);
      if (twin) { this.good("imported", { name: own(twin.name) }); this.does.talk(twin.id); }
    } catch (error) { this.bad(error); }
  }

  /** A .twin file with a bar while it goes. @param {File} file @returns {Promise<any>} the twin, null when it was stopped */
  async sending(file) {
    const stop = new AbortController(), bar = h("progress", { max: 1, value: 0, tip: "m_import" }), said = h("span", { t: "sending", args: { percent: 0 } });
    const dialog = this.dialog("m_import", {}, h("div", { class: "sheet-form import" }, h("p", { role: "status" }, said), bar,
      h("div", { class: "answers" }, h("button", { type: "button", class: "small", t: "cancel", onclick: () => dialog.close() }))));
    dialog.addEventListener("close", () => stop.abort());
    const sent = (/** @type {number} */ share) => { bar.value = share; say(said, share < 1 ? "sending" : "face_opening", { percent: Math.floor(100 * share) }); };
    try { return await this.take(file, { sent, signal: stop.signal, asking: () => dialog.close() }); }
    catch (error) { if (error.name === "AbortError") return null; throw error; }
    finally { dialog.close(); }
  }

  /** A .twin file to the server; asks for its passphrase where it has one. @param {File} file @param {{asking?: () => void}} [how] with `sent` and `signal` of api.js @returns {Promise<any>} the twin, null when nobody gave one */
  async take(file, { asking = () => {}, ...how } = {}) {
    try {
      const { twin } = await askJson("bundle", { body: file, headers: { "Content-Type": "application/zip" }, ...how });
      await this.load();
      this.does.changed();
      return twin;
    } catch (error) {
      if (!["passphrase", "locked", "wrong-passphrase"].includes(error.code)) throw error;
      asking();
      return new Promise((resolve) => {
        const { input, field } = this.input("passphrase", "", "password");
        let twin = null;
        const dialog = this.ask("file_locked", { name: file.name }, [field], "open_it", async () => { twin = await askJson("bundle", { body: file, headers: { "Content-Type": "application/zip", "X-Twin-Passphrase": coded(input.value) } }).then((answer) => answer.twin); await this.load(); this.does.changed(); });
        dialog.addEventListener("close", () => resolve(twin));
      });
    }
  }
}
