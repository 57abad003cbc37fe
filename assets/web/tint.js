/** The colour of a twin's surroundings, as a hue for the page's accent and paper. */

/** @param {string} url of a picture on this server @returns {Promise<{hue: number, chroma: number} | null>} OKLCH hue in degrees */
export async function tintOf(url) {
  const image = new Image();
  image.src = url;
  try { await image.decode(); } catch { return null; }  // EncodingError: no such picture; the page keeps its own colour
  const canvas = Object.assign(document.createElement("canvas"), { width: 12, height: 12 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) return null;
  context.drawImage(image, 0, 0, 12, 12);
  const pixels = context.getImageData(0, 0, 12, 12).data;
  let a = 0, b = 0;
  for (let i = 0; i < pixels.length; i += 4) {
    const [, pa, pb] = oklab(pixels[i], pixels[i + 1], pixels[i + 2]);
    a += pa;
    b += pb;
  }
  const count = pixels.length / 4, hue = (Math.atan2(b, a) * 180 / Math.PI + 360) % 360;
  return { hue: Math.round(hue), chroma: Math.hypot(a / count, b / count) };
}

/** sRGB bytes to OKLab (Ottosson 2020, bottosson.github.io/posts/oklab). @param {number[]} rgb */
function oklab(...rgb) {
  const [r, g, b] = rgb.map((value) => { const x = value / 255; return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4; });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s, 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s];
}
