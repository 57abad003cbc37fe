/** Raw DEFLATE (RFC 1951) to bytes: the browser's own where it has one, else the decoder below. */

/** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
export async function inflate(bytes) {
  if (!native) return inflateHere(bytes);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const native = (() => {
  try { return Boolean(new DecompressionStream("deflate-raw")); } catch { return false; }   // older Safari: no such format
})();

const LENGTH = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const LENGTH_BITS = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577];
const ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** A canonical Huffman code as counts per length and symbols in order. @param {number[]} lengths */
function code(lengths) {
  const count = new Array(16).fill(0), start = new Array(16).fill(0), symbols = [];
  for (const length of lengths) count[length]++;
  count[0] = 0;
  for (let n = 1; n < 16; n++) start[n] = start[n - 1] + count[n - 1];
  lengths.forEach((length, symbol) => { if (length) symbols[start[length]++] = symbol; });
  return { count, symbols };
}

const FIXED = {
  letters: code(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8))),
  distances: code(new Array(30).fill(5)),
};

/** @param {Uint8Array} bytes @returns {Uint8Array} @throws {RangeError} for damaged input */
export function inflateHere(bytes) {
  const out = [];
  let at = 0, held = 0, have = 0;
  const bits = (/** @type {number} */ n) => {
    while (have < n) {
      if (at >= bytes.length) throw new RangeError("deflate: the data ends too early");
      held |= bytes[at++] << have;
      have += 8;
    }
    const value = held & ((1 << n) - 1);
    held >>>= n;
    have -= n;
    return value;
  };
  const symbol = (/** @type {{count: number[], symbols: number[]}} */ table) => {
    let word = 0, first = 0, index = 0;
    for (let n = 1; n < 16; n++) {
      word |= bits(1);
      const count = table.count[n];
      if (word - count < first) return table.symbols[index + word - first];
      index += count;
      first = (first + count) << 1;
      word <<= 1;
    }
    throw new RangeError("deflate: no such code");
  };
  const tables = () => {
    const letters = bits(5) + 257, distances = bits(5) + 1, codes = bits(4) + 4, lengths = new Array(19).fill(0);
    for (let i = 0; i < codes; i++) lengths[ORDER[i]] = bits(3);
    const table = code(lengths), all = [];
    while (all.length < letters + distances) {
      const sign = symbol(table);
      if (sign < 16) all.push(sign);
      else {
        const value = sign === 16 ? all[all.length - 1] : 0;
        for (let times = sign === 16 ? 3 + bits(2) : sign === 17 ? 3 + bits(3) : 11 + bits(7); times > 0; times--) all.push(value);
      }
    }
    return { letters: code(all.slice(0, letters)), distances: code(all.slice(letters, letters + distances)) };
  };
  for (let last = 0; !last;) {
    last = bits(1);
    const kind = bits(2);
    if (kind === 0) {
      held = have = 0;
      const size = bytes[at] | (bytes[at + 1] << 8);
      for (let i = 0; i < size; i++) out.push(bytes[at + 4 + i]);
      at += 4 + size;
      continue;
    }
    if (kind === 3) throw new RangeError("deflate: no such block");
    const { letters, distances } = kind === 1 ? FIXED : tables();
    for (let sign = symbol(letters); sign !== 256; sign = symbol(letters)) {
      if (sign < 256) { out.push(sign); continue; }
      const length = LENGTH[sign - 257] + bits(LENGTH_BITS[sign - 257]);
      const far = symbol(distances);
      const from = out.length - DISTANCE[far] - bits(far < 4 ? 0 : (far >> 1) - 1);
      for (let i = 0; i < length; i++) out.push(out[from + i]);
    }
  }
  return Uint8Array.from(out);
}
