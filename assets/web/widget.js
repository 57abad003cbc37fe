/**
 * A twin in any website: <script src="https://your.server/web/widget.js" data-twin="maya" async></script>
 * It puts a button into the corner that opens the server's own page in a frame, or the frame itself into the element that `data-in` names.
 * It reads nothing of the page around it and stores nothing there. A classic script, so that one line is enough.
 */
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  if (!script?.src) return;
  const given = script.dataset, base = new URL("../", script.src), id = /^[a-z0-9][a-z0-9_-]{0,59}$/.test(given.twin ?? "") ? given.twin : "";
  const chinese = (given.lang ?? document.documentElement.lang ?? navigator.language ?? "").toLowerCase().startsWith("zh");
  const words = chinese
    ? { label: "和我聊聊", open: "打开对话：AI 数字人", close: "关闭", frame: "与 AI 数字人对话", away: "这里暂时打不开对话。", tab: "在新标签页中打开" }
    : { label: "Talk with me", open: "Open the conversation with an AI", close: "Close", frame: "A conversation with an AI", away: "The conversation cannot be shown here.", tab: "Open it in a new tab" };
  const PATIENCE = 12_000;                               // ms until the page in the frame should have said that it is there
  const address = new URL(`?${new URLSearchParams({ ...(id ? { twin: id } : {}), lang: chinese ? "zh" : "en" })}`, base).href;

  const style = `
    :host { all: initial; color-scheme: light dark; --ground: light-dark(#fff, #17181c); --ink: light-dark(#16171a, #f2f2f4); --accent: light-dark(#0a5cc2, #8ab8ff); }
    :host([theme=light]) { color-scheme: light } :host([theme=dark]) { color-scheme: dark }
    * { box-sizing: border-box; font: 500 15px/1.3 system-ui, sans-serif }
    button, a { cursor: pointer }
    :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
    .open { position: fixed; bottom: max(18px, env(safe-area-inset-bottom)); right: 18px; z-index: 2147483000; display: flex; gap: 9px; align-items: center; height: 52px; padding: 0 20px 0 8px;
      border: 0; border-radius: 26px; background: var(--ink); color: var(--ground); box-shadow: 0 6px 24px #0005 }
    .open img { width: 36px; height: 36px; border-radius: 50%; background: var(--ground) }
    .open small { font-size: 11px; padding: 2px 6px; border-radius: 8px; background: var(--ground); color: var(--ink) }
    .panel { position: fixed; bottom: max(18px, env(safe-area-inset-bottom)); right: 18px; z-index: 2147483001; width: min(420px, calc(100vw - 36px)); height: min(720px, calc(100dvh - 36px));
      border-radius: 18px; overflow: hidden; background: var(--ground); box-shadow: 0 12px 48px #0006 }
    :host([side=left]) .open, :host([side=left]) .panel { right: auto; left: 18px }
    .panel.in { position: static; width: 100%; height: 100%; min-height: 480px; box-shadow: none; border: 1px solid color-mix(in srgb, var(--ink) 15%, transparent) }
    iframe { width: 100%; height: 100%; border: 0; display: block; background: var(--ground) }
    .close { position: absolute; top: 8px; inset-inline-end: 8px; width: 36px; height: 36px; border: 0; border-radius: 50%; background: color-mix(in srgb, var(--ground) 82%, transparent); color: var(--ink);
      font-size: 20px; line-height: 1; z-index: 1 }
    .away { position: absolute; inset: 0; display: grid; place-content: center; gap: 12px; padding: 28px; text-align: center; color: var(--ink); background: var(--ground) }
    .away a { color: var(--accent) }
    [hidden] { display: none !important }
    @media (max-width: 520px) { .panel:not(.in) { inset: 0 !important; width: 100vw; height: 100dvh; border-radius: 0 } }
    @media (prefers-reduced-motion: no-preference) { .panel:not(.in) { animation: rise .18s ease-out } @keyframes rise { from { opacity: 0; transform: translateY(12px) } } }`;

  /** @param {string} tag @param {Record<string, any>} [props] @param {...(Node | string)} children */
  const make = (tag, props = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) if (name.startsWith("on")) element.addEventListener(name.slice(2), value); else element.setAttribute(name, value);
    element.append(...children);
    return element;
  };

  const begin = () => {
    const place = given.in ? document.getElementById(given.in) : null;
    const host = make("div", { "data-twin-widget": "", ...(given.side === "left" ? { side: "left" } : {}), ...(given.theme ? { theme: given.theme } : {}) });
    if (place) host.style.cssText = "display: block; height: 100%; min-height: 480px";
    const root = host.attachShadow({ mode: "closed" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style);
    root.adoptedStyleSheets = [sheet];                   // not a <style>: the site's own policy may forbid those
    const close = make("button", { type: "button", class: "close", "aria-label": words.close, title: words.close, onclick: () => show(false) }, "×");
    const away = make("div", { class: "away", hidden: "" }, make("span", {}, words.away), make("a", { href: address, target: "_blank", rel: "noopener" }, words.tab));
    const panel = make("div", { class: place ? "panel in" : "panel", role: place ? "group" : "dialog", "aria-label": words.frame, hidden: "" }, ...(place ? [] : [close]), away);
    const button = make("button", { type: "button", class: "open", "aria-expanded": "false", "aria-label": `${given.label || words.label}. ${words.open}`, onclick: () => show(true) },
      make("img", { src: new URL("web/icon.svg", base).href, alt: "" }), make("span", {}, given.label || words.label), make("small", {}, "AI"));
    /** @type {HTMLIFrameElement | null} */
    let frame = null;

    const load = () => {
      frame = /** @type {HTMLIFrameElement} */ (make("iframe", { src: place ? address : address + "&corner=1", title: words.frame, allow: "microphone; autoplay; clipboard-write; fullscreen", referrerpolicy: "no-referrer" }));
      const late = setTimeout(() => { away.hidden = false; }, PATIENCE);
      addEventListener("message", (event) => {
        if (event.source !== frame?.contentWindow || event.origin !== base.origin || event.data?.twin !== "open") return;
        clearTimeout(late);
        away.hidden = true;
      });
      panel.append(frame);
    };
    const show = (/** @type {boolean} */ on) => {
      if (on && !frame) load();
      panel.hidden = !on;
      button.hidden = on;
      button.setAttribute("aria-expanded", String(on));
      if (on) frame?.focus(); else button.focus();
    };
    root.append(...(place ? [] : [button]), panel);
    root.addEventListener("keydown", (event) => { if (/** @type {KeyboardEvent} */ (event).key === "Escape" && !place) show(false); });
    (place ?? document.body).append(host);
    if (place || given.open !== undefined) show(true);
  };
  if (document.body) begin(); else addEventListener("DOMContentLoaded", begin);
})();
