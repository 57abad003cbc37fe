/** The server's own doors for faces, voices and twins: `fetch` with who is asking in a header, never in an address. */
import { token } from "./keep.js";
import { getLanguage, word } from "./words.js";

/** What the server said about a request it did not take. `field`: the field of the form beside which it belongs. */
export class ApiError extends Error {
  /** @param {{message?: string, hint?: string, code?: string, field?: string}} told @param {number} status */
  constructor(told, status) {
    super(told.message || word("api_failed"));
    Object.assign(this, { hint: told.hint ?? (told.message ? "" : word("api_failed_hint")), code: told.code ?? "", field: told.field ?? "", status });
  }
}

/** Who is asking, and in which language. */
export const asking = () => ({ "X-Twin-Token": token(), "X-Twin-Language": getLanguage() });

/** A picture or another file of a twin, whoever's it is. @param {string} address */
export const fetchOwn = (address) => fetch(address, { headers: asking() });

/** @param {string} path relative to the page @param {{method?: string, json?: object, body?: BodyInit, headers?: Record<string, string>, signal?: AbortSignal,
 * keepalive?: boolean, sent?: (share: number) => void}} [options] `sent` hears how much of the body has gone, 0..1; `keepalive`: it may outlive the page
 * @returns {Promise<Response>} Throws ApiError, or AbortError */
export async function ask(path, { method, json, body, headers = {}, signal, keepalive, sent } = {}) {
  let answer;
  const given = { method: method ?? (json || body !== undefined ? "POST" : "GET"), signal, keepalive, cache: /** @type {const} */ ("no-store"),
    headers: { ...asking(), ...(json ? { "Content-Type": "application/json" } : {}), ...headers }, body: json ? JSON.stringify(json) : body };
  try {
    answer = await (sent ? post(new URL(path, document.baseURI), given, sent) : fetch(new URL(path, document.baseURI), given));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError({ message: word("api_offline"), hint: word("api_offline_hint") }, 0);
  }
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  throw new ApiError(told.error ?? {}, answer.status);
}

/** As fetch, but it tells how much has gone: fetch cannot. @param {URL} url @param {any} given @param {(share: number) => void} sent @returns {Promise<Response>} */
function post(url, { method, headers, body, signal }, sent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(), gone = () => reject(signal.reason);
    if (signal?.aborted) { gone(); return; }
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.responseType = "blob";
    request.upload.onprogress = ({ loaded, total }) => sent(total ? loaded / total : 0);
    request.upload.onload = () => sent(1);
    request.onload = () => resolve(new Response(request.response, { status: request.status }));
    request.onerror = () => reject(new TypeError("network"));
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    const stop = () => { request.abort(); gone(); };
    signal?.addEventListener("abort", stop);
    request.send(body);
  });
}

/** The same, for an answer that is JSON. @param {string} path @param {Parameters<typeof ask>[1]} [options] @returns {Promise<any>} */
export const askJson = async (path, options) => (await ask(path, options)).json();

/** An answer that comes line by line. Throws the ApiError that a line tells. @param {string} path @param {Parameters<typeof ask>[1]} options */
export async function* askLines(path, options) {
  const answer = await ask(path, options), reader = answer.body.getReader(), decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    const rows = (held + decoder.decode(value, { stream: !done })).split("\n");
    held = done ? "" : rows.pop() ?? "";
    for (const row of rows) {
      if (!row.trim()) continue;
      const line = JSON.parse(row);
      if (line.error) throw new ApiError(line.error, 200);
      yield line;
    }
    if (done) return;
  }
}

/** Give a file to whoever sits here. @param {Blob} blob @param {string} name */
export function hand(blob, name) {
  const url = URL.createObjectURL(blob), link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Header values are ASCII. @param {string} text */
export const coded = (text) => encodeURIComponent(text);
