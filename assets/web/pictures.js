/** Pictures of twins as addresses an element can show. Those of somebody's own twins come with a header, so they become blob: addresses. */
import { fetchOwn } from "./api.js";
import { icon } from "./dom.js";

/** @type {Map<string, Promise<string>>} */
const made = new Map();

/** Where a twin's face lies. @param {any} twin */
export const faceOf = (twin) => new URL(twin.face.replace(/^\//, ""), document.baseURI).href;

/** @param {any} twin @param {string} name of a file of its face @returns {Promise<string>} "" where there is no such picture */
export function pictureOf(twin, name) {
  const address = faceOf(twin) + name;
  if (!twin.own) return Promise.resolve(address);
  if (!made.has(address)) {
    made.set(address, fetchOwn(address).then(async (answer) => (answer.ok ? URL.createObjectURL(await answer.blob()) : "")).catch(() => ""));
  }
  return /** @type {Promise<string>} */ (made.get(address));
}

/** Forget a twin's pictures: it was changed, locked or deleted. @param {any} twin */
export function forgetPictures(twin) {
  for (const [address, picture] of made) {
    if (!address.startsWith(faceOf(twin))) continue;
    picture.then((url) => URL.revokeObjectURL(url));
    made.delete(address);
  }
}

/** Put a twin's head into a round place. @param {HTMLElement} place @param {any} twin */
export async function portrait(place, twin) {
  place.replaceChildren(...(twin.locked ? [icon("lock")] : []));
  if (twin.locked) return;
  const [person, scene] = await Promise.all([pictureOf(twin, "portrait.webp"), pictureOf(twin, "background.webp")]);
  place.style.backgroundImage = [person, scene].filter(Boolean).map((url) => `url("${url}")`).join(",");
}
