/** What this browser remembers. Falls back to memory where storage is refused (private windows, some frames). */

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {Storage | null} storage @param {string} key */
function get(storage, key) {
  try { return storage?.getItem(key) ?? memory.get(key) ?? null; } catch { return memory.get(key) ?? null; }
}

/** @param {() => Storage} open */
function opened(open) {
  try { return open(); } catch { return null; }                 // SecurityError: storage is blocked
}

const local = opened(() => window.localStorage);
const tab = opened(() => window.sessionStorage);

/** Read a remembered value. @template T @param {string} name @param {T} otherwise @returns {T} */
export function recall(name, otherwise) {
  const text = get(local, "twin." + name);
  if (text === null) return otherwise;
  try { return JSON.parse(text); } catch { return otherwise; }
}

/** Remember a value. @param {string} name @param {unknown} value */
export function remember(name, value) {
  const key = "twin." + name, text = JSON.stringify(value);
  memory.set(key, text);
  try { local?.setItem(key, text); } catch { /* full or blocked: memory has it */ }
}

/** The same for this tab alone; a new tab begins with what the browser knows. @param {string} name */
export function recallHere(name) {
  const text = get(tab, "twin." + name);
  return text === null ? recall(name, "") : text;
}

/** @param {string} name @param {string} value */
export function rememberHere(name, value) {
  memory.set("twin." + name, JSON.stringify(value));
  try { tab?.setItem("twin." + name, value); } catch { /* blocked */ }
  remember(name, value);
}

/** Remember something until this tab is closed, nowhere else; "" forgets it. @param {string} name @param {string} value */
export function holdHere(name, value) {
  try { if (value) tab?.setItem("twin." + name, value); else tab?.removeItem("twin." + name); } catch { /* blocked: a reload loses it */ }
}

/** Who is asking: 256 random bits as 64 hex characters, made here once. It is never put into an address. */
export function token() {
  let text = get(local, "twin.token") ?? "";
  if (!/^[0-9a-f]{64}$/.test(text)) {
    text = Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    memory.set("twin.token", text);
    try { local?.setItem("twin.token", text); } catch { /* blocked: it lasts as long as this page */ }
  }
  return text;
}

/** Be whom a server says one is; "" is a new somebody of this browser's own. @param {string} key 64 hex characters */
export function adopt(key) {
  if (key) memory.set("twin.token", key); else memory.delete("twin.token");
  try { if (key) local?.setItem("twin.token", key); else local?.removeItem("twin.token"); } catch { /* blocked: it lasts as long as this page */ }
}

/** Forget who one was here and what they wrote; how this browser is set up stays. */
export function leave() {
  adopt("");
  for (const name of ["conversation", "twin", "draft", "creating", "createStep", "consent", "fileText", "sitting", "page"]) {
    memory.delete("twin." + name);
    for (const storage of [local, tab]) try { storage?.removeItem("twin." + name); } catch { /* blocked */ }
  }
}

/** This tab, for the server to give it back its session after a reload: 32 hex characters. */
export function tabId() {
  let text = get(tab, "twin.page") ?? "";
  if (!/^[0-9a-f]{32}$/.test(text)) {
    text = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    memory.set("twin.page", text);
    try { tab?.setItem("twin.page", text); } catch { /* blocked */ }
  }
  return text;
}
