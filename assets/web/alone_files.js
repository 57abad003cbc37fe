/** What lies in the page itself: its data, the face's pictures, the sounds. It stands in for api.js, so that stage and face load as they always do. */
import { inflate } from "./inflate.js";

/** @param {string} id */
const read = (id) => document.getElementById(id)?.textContent ?? "";

/** Everything but pictures and sound (twin/share/alone.py says what). @type {any} */
export const data = JSON.parse(read("twin-data"));

/** @type {Record<string, string>} */
const face = JSON.parse(read("twin-face"));

/** @type {string[]} one line for each answer that is spoken */
const sounds = read("twin-sound").trim().split("\n");

/** @param {string} text base64 */
function bytes(text) {
  const raw = atob(text), out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out;
}

/** A file of the face, by the last part of its address; an answer of 404 for one that is not there. @param {string} address @returns {Promise<Response>} */
export async function fetchOwn(address) {
  const name = address.slice(address.lastIndexOf("/") + 1), held = face[name];
  if (!held) return new Response(null, { status: 404 });
  const plain = name.endsWith(".json") ? await inflate(bytes(held)) : bytes(held);
  return new Response(new Blob([plain], { type: name.endsWith(".json") ? "application/json" : "image/webp" }));
}

/** A page in one file asks no routes of its own; who it is to another server stands in the hello (alone_remote.js). @returns {Record<string, string>} */
export const asking = () => ({});

/** What is said in one answer. @param {number} line @returns {{sizes: number[], opus: Uint8Array, tracks: Uint8Array}} */
export function soundOf(line) {
  const all = bytes(sounds[line]), count = all[0] | (all[1] << 8), sizes = [];
  let at = 2, size = 0, whole = 0;
  for (let i = 0; i < count; i++, at++) {                // lacing as in Ogg: 255 goes on
    size += all[at];
    if (all[at] < 255) { sizes.push(size); whole += size; size = 0; }
  }
  return { sizes, opus: all.subarray(at, at + whole), tracks: all.subarray(at + whole) };
}
