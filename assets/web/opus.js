/**
 * A worker: Opus packets to samples by WebCodecs. In a thread of its own, for every packet takes several hops between threads, and a page
 * that is drawing a face makes each of them wait. One AudioDecoder per turn, so that pieces join without a seam.
 *
 * In: {turn, id, sizes, bytes, length}. Out: {id, samples: Float32Array [length], 48 kHz} or {id, error}. {turn, close: true} drops a turn.
 */
const CLOCK = 48_000, STEP = CLOCK / 50;                // Hz; samples of a packet of 20 ms
const PACKET = 20_000;                                  // µs
const PATIENCE = 1500;                                  // ms to wait for the last packet before asking the decoder for what it has

/** @type {AudioDecoder | null} */
let decoder = null;
let turn = -1, fed = 0;
/** Pieces that wait for packets. @type {{id: number, first: number, last: number, samples: Float32Array, left: number, timer: number}[]} */
let pieces = [];

function begin(next) {
  if (decoder && decoder.state !== "closed") decoder.close();
  for (const piece of pieces) fail(piece, "dropped");
  pieces = [];
  turn = next;
  fed = 0;
  const mine = decoder = new AudioDecoder({
    output: (data) => { if (mine === decoder) take(data); data.close(); },
    error: (error) => { if (mine === decoder) for (const piece of pieces.splice(0)) fail(piece, error.message); },
  });
  decoder.configure({ codec: "opus", sampleRate: CLOCK, numberOfChannels: 1 });
}

/** @param {AudioData} data */
function take(data) {
  const number = Math.round(data.timestamp / PACKET), piece = pieces.find(({ first, last }) => first <= number && number <= last);
  if (!piece) return;
  const samples = new Float32Array(data.numberOfFrames), offset = (number - piece.first) * STEP;
  data.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
  if (offset < piece.samples.length) piece.samples.set(samples.subarray(0, piece.samples.length - offset), offset);
  if (--piece.left === 0) give(piece);
}

function give(piece) {
  clearTimeout(piece.timer);
  pieces = pieces.filter((other) => other !== piece);
  postMessage({ id: piece.id, samples: piece.samples }, { transfer: [piece.samples.buffer] });
}

function fail(piece, error) {
  clearTimeout(piece.timer);
  postMessage({ id: piece.id, error });
}

/** A decoder that keeps its last packets back is emptied; what is missing then stays silent. */
function hurry(piece) {
  const done = () => { if (pieces.includes(piece)) give(piece); };
  if (decoder?.state === "configured") decoder.flush().then(done, done); else done();
}

onmessage = ({ data }) => {
  if (data.close) { if (data.turn >= turn) { if (decoder && decoder.state !== "closed") decoder.close(); decoder = null; turn = data.turn; } return; }
  if (data.turn !== turn || !decoder || decoder.state === "closed") begin(data.turn);
  const piece = { id: data.id, first: fed, last: fed + data.sizes.length - 1, samples: new Float32Array(data.length), left: data.sizes.length, timer: 0 };
  if (!piece.left) { give(piece); return; }
  piece.timer = setTimeout(() => hurry(piece), PATIENCE);
  pieces.push(piece);
  let at = 0;
  for (const size of data.sizes) {
    decoder.decode(new EncodedAudioChunk({ type: "key", timestamp: fed++ * PACKET, data: data.bytes.subarray(at, at + size) }));
    at += size;
  }
};
