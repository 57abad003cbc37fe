/** The page that reads back what a file says about how it was made: /check. Whoever meets a picture may ask. */
import { askJson, coded } from "./api.js";
import { FINGER, h, icon } from "./dom.js";
import { recall, remember } from "./keep.js";
import { WORDS, fill, getLanguage, setLanguage, word } from "./words.js";

Object.assign(WORDS, {
  check_title: ["Was this made by an AI?", "这是 AI 生成的吗？"],
  check_lead: ["Choose a picture, sound, film, page or .twin file. Its marks are read back here; nothing of it is kept.", "选择图片、声音、影片、网页或 .twin 文件，这里会读出它带有的标识，文件不会被保存。"],
  check_drop: ["Drop a file here, or choose one", "把文件拖到这里，或点击选择"], check_choose: ["Choose a file", "选择文件"],
  check_kinds: ["PNG, JPEG, WebP, WAV, MP4, HTML, .twin, up to 64 MB", "PNG、JPEG、WebP、WAV、MP4、HTML、.twin，最大 64 MB"],
  check_another: ["Drop or choose another", "换一个文件"],
  check_reading: ["Reading its marks", "正在读取标识"], check_large: ["The file is larger than 64 MB.", "文件超过 64 MB。"],
  check_foot: ["A missing mark proves nothing: marks are lost when a file is converted or photographed. On your own machine:", "没有标识并不说明什么：转换格式或翻拍都会丢失标识。在自己的电脑上可以运行："],
  check_back: ["Back to the talk", "回到对话"],
});
const LARGEST = 64 * 2 ** 20, ICONS = { good: "check", warn: "minus", bad: "close" };

class Check {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.input = h("input", { type: "file", hidden: true, tip: "check_choose", onchange: () => { this.take(this.input.files[0]); this.input.value = ""; } });
    this.name = h("b");
    this.drop = h("button", { type: "button", class: "drop", onclick: () => this.input.click() }, icon("photo"), this.name, this.more = h("small"));
    this.result = h("section", { "aria-live": "polite" });
    const language = h("button", { type: "button", class: "pill", t: "other_language", onclick: () => this.turn() });
    root.replaceChildren(h("header", {}, h("a", { href: new URL("./", document.baseURI).href, class: "brand", "aria-label": word("check_back") }, h("span", { class: "mark", "aria-hidden": "true" }, h("i"), h("i")), "Twin"), h("span", { class: "gap" }), language),
      h("main", {}, h("h1", { t: "check_title" }), h("p", { class: "lead", t: "check_lead" }), this.input, this.drop, this.result),
      h("footer", {}, h("span", { t: "check_foot" }), " ", h("code", {}, "python -m twin check FILE")));
    for (const name of ["dragover", "dragleave", "drop"]) {
      addEventListener(name, (event) => {
        event.preventDefault();
        this.drop.classList.toggle("over", name === "dragover");
        if (name === "drop") this.take(event.dataTransfer.files[0]);
      });
    }
    addEventListener("paste", (event) => { if (event.clipboardData?.files.length) this.take(event.clipboardData.files[0]); });
    this.draw();
  }

  turn() {
    const to = getLanguage() === "en" ? "zh" : "en";
    setLanguage(to, this.root);
    remember("lang", to);
    this.draw();
    if (this.file) this.take(this.file);
  }

  draw() {
    fill(this.root);
    document.title = word("check_title") + " · Twin";
    this.name.textContent = this.file?.name ?? word(FINGER ? "check_choose" : "check_drop");
    this.more.textContent = word(this.file ? "check_another" : "check_kinds");
  }

  /** @param {File | undefined} file */
  async take(file) {
    if (!file || this.busy) return;
    this.file = file;
    this.draw();
    if (file.size > LARGEST) { this.fail({ message: word("check_large") }); return; }
    this.busy = this.drop.disabled = true;
    this.result.replaceChildren(h("p", { class: "lead" }, word("check_reading")));
    try { this.show(await askJson("check", { body: file, headers: { "Content-Type": "application/octet-stream", "X-Twin-Name": coded(file.name.slice(0, 100)) } })); }
    catch (error) { this.fail(error); }
    this.busy = this.drop.disabled = false;
  }

  /** @param {{verdict: string, summary: string, kind: string, findings: {what: string, level: string, text: string}[]}} report */
  show(report) {
    const sign = { made: "check", signed: "check", broken: "close" }[report.verdict] ?? "minus";
    this.result.replaceChildren(h("div", { class: "verdict", "data-verdict": report.verdict }, icon(sign), h("div", {}, h("b", {}, report.summary), h("small", {}, this.file.name))),
      h("ul", { class: "findings" }, ...report.findings.map((finding) => h("li", { class: finding.level }, icon(ICONS[finding.level] ?? "minus"), h("span", {}, finding.text)))));
  }

  /** @param {{message: string, hint?: string}} error */
  fail(error) { this.result.replaceChildren(h("p", { class: "trouble", role: "alert" }, `${error.message} ${error.hint ?? ""}`.trim())); }
}

const root = /** @type {HTMLElement} */ (document.querySelector(".check"));
setLanguage(new URLSearchParams(location.search).get("lang") ?? recall("lang", navigator.language?.startsWith("zh") ? "zh" : "en"), root);
new Check(root);
