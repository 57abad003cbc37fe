/** Signing in where a server asks for it: a name and a password, or Hugging Face in a window of its own; and what the settings show of it. */
import { askJson, ApiError } from "./api.js";
import { h, iconButton } from "./dom.js";
import { adopt, leave } from "./keep.js";
import { word } from "./words.js";

export class Login {
  /** @param {{changed(): void}} does `changed`: this browser is somebody else from now on */
  constructor(does) {
    this.does = does;
    this.how = "";
    this.leaving = false;
    this.element = h("dialog", { class: "sheet", "aria-labelledby": "twin-login" });
    addEventListener("message", (event) => {
      if (event.origin === location.origin && event.data?.twin === "signed-in" && /^[0-9a-f]{64}$/.test(event.data.token)) this.take(event.data.token);
    });
  }

  /** Ask who it is. @param {boolean} [must] nothing is to be had here without @param {boolean} [ended] one was signed in a moment ago */
  async open(must = false, ended = false) {
    if (this.element.open || this.leaving) return;
    const told = await askJson("login").catch(() => null);
    if (!told?.how || this.element.open) return;
    this.how = told.how;
    this.draw(must && !told.visitors);
    if (ended) this.tell(word("sign_in_ended"));
    this.element.showModal();
    this.element.querySelector("input, button[type=submit]")?.focus();
  }

  /** @param {boolean} must */
  draw(must) {
    const head = h("header", {}, h("h2", { id: "twin-login", t: "sign_in" }), !must && iconButton("close", "close", () => this.element.close(), { class: "round ghost" }));
    this.element.oncancel = (event) => { if (must) event.preventDefault(); };
    this.trouble = h("p", { class: "beside", role: "alert", hidden: true });
    const hub = this.how === "huggingface", name = field("sign_in_name", { name: "name", autocomplete: "username", maxlength: 64, autocapitalize: "off", spellcheck: "false" });
    const password = field("sign_in_password", { name: "password", type: "password", autocomplete: "current-password", maxlength: 1000 });
    const go = h("button", { type: "submit", class: "small strong", t: hub ? "sign_in_hub" : "sign_in" });
    const enter = (/** @type {Event} */ event) => {
      event.preventDefault();
      if (hub) open("login/huggingface", "twin-login", "popup,width=620,height=760");
      else this.enter(name.querySelector("input").value.trim(), password.querySelector("input"));
    };
    this.element.replaceChildren(head, h("form", { class: "sheet-form", onsubmit: enter }, ...(hub ? [h("p", { class: "soft", t: "sign_in_hub_why" })] : [name, password]), this.trouble,
      h("div", { class: "answers" }, go)));
  }

  /** @param {string} name @param {HTMLInputElement} password */
  async enter(name, password) {
    const button = this.element.querySelector("button[type=submit]");
    button.disabled = true;
    try {
      this.take((await askJson("login", { json: { name, password: password.value } })).token);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.tell(`${error.message} ${error.hint}`);
      password.value = "";
      password.focus();
    } finally { button.disabled = false; }
  }

  /** @param {string} text */
  tell(text) {
    this.trouble.textContent = text;
    this.trouble.hidden = false;
  }

  /** @param {string} key */
  take(key) {
    adopt(key);
    this.element.close();
    this.does.changed();
  }

  /** Sign out: the page begins anew, so that nothing of who was here is left in it. */
  async leave() {
    this.leaving = true;
    await askJson("login", { method: "DELETE" }).catch(() => {});
    leave();
    location.reload();
  }

  /** What the settings show: who one is here, and the way out or in. Nothing at home. @param {{name: string, role: string} | undefined} user */
  account(user) {
    if (!user?.name && user?.role !== "visitor") return null;
    const button = h("button", { type: "button", class: "small", hidden: !user.name, t: user.name ? "sign_out" : "sign_in", onclick: () => (user.name ? this.leave() : this.open()) });
    if (!user.name) askJson("login").then((told) => { button.hidden = !told.how; }, () => {});             // not everywhere can one
    return h("div", { class: "account" }, h("span", {}, user.name || word("visitor")), button);
  }
}

/** @param {string} key @param {Record<string, any>} props */
const field = (key, props) => h("label", { class: "f" }, h("span", { class: "field-label", t: key }), h("input", { class: "box", required: true, ...props }));
