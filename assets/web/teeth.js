/** A set of teeth for faces that bring none: drawn once on a canvas, laid out like mouth.webp (upper half upper teeth, lower half lower). */

const PX_PER_MM = 17;                     // 1024 px are 1.2 mouths of 50 mm
// from the middle outwards: width as seen from the front (the arch bends away) and height of the crown, mm
const UPPER = [[8.4, 10.0], [6.4, 8.9], [6.6, 9.6], [5.0, 8.2], [3.8, 7.6], [2.6, 7.0]];
const LOWER = [[5.2, 8.6], [5.4, 8.6], [5.6, 9.2], [4.6, 8.2], [3.6, 7.6], [2.6, 7.0]];

/** @returns {HTMLCanvasElement} 1024x512 */
export function drawTeeth() {
  const canvas = document.createElement("canvas");
  canvas.width = 1024;
  canvas.height = 512;
  const c = canvas.getContext("2d");
  drawRow(c, UPPER, 222, -1);
  drawRow(c, LOWER, 256 + 34, 1);
  return canvas;
}

/** @param {CanvasRenderingContext2D} c @param {number} edge px of the biting edge @param {number} root -1: roots above, 1: below */
function drawRow(c, teeth, edge, root) {
  for (const side of [-1, 1]) {
    let x = 512;
    teeth.forEach(([width, height], k) => {
      const w = width * PX_PER_MM, h = height * PX_PER_MM;
      const left = side > 0 ? x : x - w;
      const bow = root * (k * k) * 1.7;             // the edges follow a smile's curve
      drawTooth(c, left, w, edge + bow, h, root, 1 - 0.07 * k);
      x += side * w;
    });
  }
}

function drawTooth(c, left, w, edge, h, root, bright) {
  const neck = edge + root * h, gum = edge + root * (h + 40), inset = w * 0.07, r = Math.min(w * 0.24, 26);
  const fill = c.createLinearGradient(0, edge, 0, gum);
  const tone = (a, b, d) => `rgb(${Math.round(a * bright)},${Math.round(b * bright)},${Math.round(d * bright)})`;
  fill.addColorStop(0, tone(226, 224, 218));
  fill.addColorStop(0.25, tone(244, 240, 232));
  fill.addColorStop(0.72, tone(234, 224, 206));
  fill.addColorStop(1, tone(206, 184, 164));
  c.fillStyle = tone(178, 104, 100);
  c.fillRect(left - 0.5, Math.min(neck - root * 26, gum), w + 1, Math.abs(gum - neck) + 26);
  c.beginPath();
  c.moveTo(left + inset, neck - root * 8);
  c.quadraticCurveTo(left + w / 2, neck + root * 14, left + w - inset, neck - root * 8);
  c.lineTo(left + w - 1, edge + root * r);
  c.quadraticCurveTo(left + w - 1, edge, left + w - r, edge);
  c.lineTo(left + r, edge);
  c.quadraticCurveTo(left + 1, edge, left + 1, edge + root * r);
  c.closePath();
  c.fillStyle = fill;
  c.fill();
  const round = c.createLinearGradient(left, 0, left + w, 0);
  round.addColorStop(0, "rgba(96,66,52,0.42)");
  round.addColorStop(0.16, "rgba(120,90,70,0.06)");
  round.addColorStop(0.5, "rgba(255,255,255,0.10)");
  round.addColorStop(0.84, "rgba(120,90,70,0.06)");
  round.addColorStop(1, "rgba(96,66,52,0.42)");
  c.fillStyle = round;
  c.fill();
}

/**
 * Where the biting edges are, as parts of each half's height from its top.
 * @param {CanvasImageSource & {width: number, height: number}} picture
 * @returns {[number, number]} upper, lower
 */
export function bitingEdges(picture) {
  const canvas = document.createElement("canvas");
  canvas.width = 64;
  canvas.height = 512;
  const c = canvas.getContext("2d", { willReadFrequently: true });
  const w = picture.width / 16;
  c.drawImage(picture, picture.width / 2 + w * 0.1, 0, w, picture.height, 0, 0, 64, 512);
  const alpha = c.getImageData(0, 0, 64, 512).data;
  const solid = (y) => {
    let sum = 0;
    for (let x = 0; x < 64; x++) sum += alpha[4 * (64 * y + x) + 3];
    return sum > 64 * 128;
  };
  let up = 255, low = 256;
  while (up > 0 && !solid(up)) up--;
  while (low < 511 && !solid(low)) low++;
  return [(up + 1) / 256, (low - 256) / 256];
}
