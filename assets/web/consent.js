/** The consent of a twin: what was agreed to, how far it goes, a fresh yes, and taking it back. */
import { askJson } from "./api.js";
import { h, icon } from "./dom.js";
import { WORDS, own, word } from "./words.js";

Object.assign(WORDS, {
  consent_of: ["Consent for {name}", "{name}的同意书"], consent_by: ["{who}, {when}", "{who}，{when}"], consent_uses: ["For {for}", "用于{for}"],
  invented_on: ["Nobody's consent is needed, {when}", "无需任何人同意，{when}"], invented_face: ["The face was invented ({engine}, seed {seed}) and is nobody's.", "这张脸是虚构的（{engine}，种子 {seed}），不属于任何人。"],
  use_speech: ["talking", "对话"], use_film: ["films", "影片"], use_talk: ["talking", "对话"],
  checked_voice: ["Voice", "声音"], checked_face: ["Face", "脸"], checked_yes: ["verified", "已验证"], checked_no: ["not verified", "未验证"], checked_else: ["verified elsewhere, which does not count here", "在别处验证过，这里不算数"],
  scope_now: ["How far it may go", "公开范围"], only_me: ["Only me", "仅自己"], by_link: ["People with a link", "知道链接的人"], to_all: ["Everybody", "所有人"],
  agree_anew: ["I have read this and agree", "我已阅读并同意"], agree_save: ["Agree", "同意"], agree_first: ["Tick that you agree.", "请先勾选同意。"], agreed_now: ["It may now go so far.", "范围已更新。"],
  withdraw_it: ["Take it back…", "撤回同意……"], withdraw_title: ["Take back the consent for {name}?", "撤回对{name}的同意？"],
  withdraw_text: ["It is unpublished and deleted, with everything made from it here, and no copy of it can be used here again. Files that others have stay with them. This cannot be undone.", "它会被取消发布，并连同在这里由它生成的一切一起删除，它的任何副本都不能再在这里使用。别人手里的文件无法收回。此操作无法撤销。"],
  withdraw_do: ["Take it back", "撤回"], withdrawn: ["The consent was taken back, and the twin is gone.", "已撤回同意，分身已删除。"], still_standing: ["Still published: {spaces}. Sign in to Hugging Face and take them down there.", "仍在发布：{spaces}。请登录 Hugging Face 手动下线。"],
});
const SCOPES = { private: "only_me", link: "by_link", public: "to_all" };

/** @param {import("./mine.js").Mine} mine @param {any} twin */
export async function consentDialog(mine, twin) {
  const { consent, scope, signed, statement } = await askJson(`twins/${twin.id}/consent`);
  const uses = (consent.for ?? []).map((/** @type {string} */ use) => word("use_" + use)).join(", ");
  const checked = ["voice", "face"].filter((part) => !(part === "face" && consent.invented) && consent.verified?.[part]?.state && consent.verified[part].why !== "none").map((part) => {
    const sure = consent.verified[part].state === "verified";
    return h("li", { class: sure && signed === "here" ? "good" : "" }, icon(sure && signed === "here" ? "check" : "minus"), h("span", {}, word("checked_" + part) + ": " + word(sure ? (signed === "here" ? "checked_yes" : "checked_else") : "checked_no")));
  });
  const scopes = h("div", { class: "choices three" }, ...Object.entries(SCOPES).map(([value, key]) => h("label", { class: "choice" }, h("input", { type: "radio", name: "consent-scope", value, checked: value === scope, onchange: () => { yes.hidden = value === scope; } }), h("span", { t: key }))));
  const tick = h("input", { type: "checkbox" }), yes = h("div", { class: "consent-yes", hidden: true }, h("blockquote", { class: "statement" }, own(statement)), h("label", { class: "agree" }, tick, h("span", { t: "agree_anew" })));
  const back = h("button", { type: "button", class: "small danger-text", onclick: () => { dialog.close(); take(mine, twin); } }, h("span", { t: "withdraw_it" }));
  const when = new Date(consent.when).toLocaleDateString(document.documentElement.lang || undefined, { day: "numeric", month: "long", year: "numeric" });
  const dialog = mine.ask("consent_of", twin, [h("p", {}, h("b", {}, word(consent.relation === "nobody" ? "invented_on" : "consent_by", { who: consent.who, when })), consent.invented && h("small", { class: "soft consent-for" }, word("invented_face", { engine: consent.invented.engine, seed: consent.invented.seed ?? "" })), h("small", { class: "soft consent-for" }, word("consent_uses", { for: uses }))), h("ul", { class: "findings" }, ...checked),
    h("fieldset", { class: "f" }, h("legend", { class: "field-label" }, h("span", { t: "scope_now" })), scopes), yes, back], "agree_save", async () => {
    const wanted = /** @type {HTMLInputElement} */ (scopes.querySelector("input:checked")).value;
    if (wanted === scope) return;
    if (!tick.checked) throw new Error(word("agree_first"));
    await askJson(`twins/${twin.id}/consent`, { json: { scope: wanted, agreed: true } });
    mine.good("agreed_now");
  });
  dialog.classList.add("consent-sheet");
  return dialog;
}

/** @param {import("./mine.js").Mine} mine @param {any} twin */
function take(mine, twin) {
  mine.ask("withdraw_title", twin, [], "withdraw_do", async () => {
    const done = await askJson(`twins/${twin.id}/withdraw`, { json: { sure: true } });
    if (done.standing?.length) mine.does.notices.show(word("still_standing", { spaces: done.standing.join(", ") }), done.why, { stay: true });
    else mine.good("withdrawn");
    await mine.changed(twin);
  }, { note: word("withdraw_text"), bad: true });
}
