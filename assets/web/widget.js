/**
 * A twin on another site: `<script src="https://server/web/widget.js" data-twin="maya" async></script>` puts a button into the corner that opens
 * it in a frame; with `data-in="ID"` (or an element with the id "twin") the frame stands there. The page inside is the server's own.
 */
{
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const { twin = "", in: place = "twin", lang = "", side = "right", open, label, theme = "" } = script.dataset;
  const zh = (lang || document.documentElement.lang).startsWith("zh");
  const page = new URL("../", script.src);
  page.search = new URLSearchParams({ stage: "only", ...(twin && { twin }), ...(lang && { lang }), ...(theme && { theme }) }).toString();

  const frame = () => {
    const made = document.createElement("iframe");
    made.src = page.href;
    made.allow = "microphone; autoplay";
    made.referrerPolicy = "strict-origin";
    made.title = zh ? "数字人（AI）" : "Digital human (AI)";
    made.style.cssText = "border:0;width:100%;height:100%;min-height:480px;display:block";
    return made;
  };

  const corner = () => {
    const box = document.createElement("div");
    box.style.cssText = `position:fixed;bottom:84px;${side === "left" ? "left" : "right"}:20px;width:min(380px,calc(100vw - 40px));height:min(560px,calc(100vh - 120px));`
      + "border-radius:16px;overflow:hidden;box-shadow:0 8px 40px rgba(0,0,0,.3);z-index:2147483000;display:none";
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label ?? (zh ? "和 AI 聊聊" : "Talk with an AI");
    button.setAttribute("aria-expanded", "false");
    button.style.cssText = `position:fixed;bottom:20px;${side === "left" ? "left" : "right"}:20px;padding:14px 22px;border:0;border-radius:28px;`
      + "font:600 16px system-ui,sans-serif;background:#1d2433;color:#fff;cursor:pointer;z-index:2147483000;box-shadow:0 4px 16px rgba(0,0,0,.25)";
    button.addEventListener("click", () => {
      const shown = box.style.display === "none";
      if (shown && !box.firstChild) box.append(frame());
      box.style.display = shown ? "block" : "none";
      button.setAttribute("aria-expanded", String(shown));
    });
    document.body.append(box, button);
    if (open !== undefined) button.click();
  };

  const begin = () => {
    const there = document.getElementById(place);
    if (there) there.append(frame());
    else corner();
  };
  if (document.body) begin();
  else addEventListener("DOMContentLoaded", begin);
}
