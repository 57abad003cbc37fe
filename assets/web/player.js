/**
 * What is heard, and the clock of everything else. Pieces of sound are laid end to end on the AudioContext's own time; the face asks
 * for the weights of the instant that leaves the loudspeaker now. It knows nothing of sockets or of the page.
 */
import { Decoder } from "./sound.js";
import { Track } from "./track.js";

const LEAD = 0.03;                                      // s between the first piece's arrival and its start
const MOUTH = 0.12, HEAD = 0.3;                         // s of blending between idling and speaking
const HUSH = 0.004;                                     // s from full sound to none
const DUCKED = 0.08;                                    // volume while somebody may be cutting in: 22 dB less

/** @typedef {{turn: number, at: number, seconds: number, text: string, when: number, track: Track | null, marks: any[],
 *   buffer: AudioBuffer | null, source: AudioBufferSourceNode | null}} Piece */

export class Player {
  constructor() {
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.volume = this.context.createGain();
    this.duckGain = this.context.createGain();
    this.analyser = new AnalyserNode(this.context, { fftSize: 1024, smoothingTimeConstant: 0 });
    this.volume.connect(this.duckGain).connect(this.analyser).connect(this.context.destination);
    /** @type {GainNode | null} */
    this.turnGain = null;
    /** @type {Piece[]} */
    this.pieces = [];
    this.turn = 0;                                      // the turn whose pieces are held
    this.oldest = 0;                                    // turns before this one are not played any more
    this.next = 0;                                      // context time at which the next piece may start
    this.gaps = 0;                                      // s of silence that slow delivery made in this turn
    this.blend = { mouth: 0, head: 0, then: 0 };
    this.names = 57; this.signed = 52; this.full = 0.5; this.fps = 60; /** @type {boolean[]} */ this.isHead = [];
    this.last = new Float32Array(57);
    this.samples = new Float32Array(1024);
    this.line = Promise.resolve();                      // pieces join in the order in which they came
    this.decoder = new Decoder();
    /** Told from outside. */
    this.onheard = (/** @type {number} */ _turn, /** @type {number} */ _at) => {};
    this.onplayed = (/** @type {number} */ _turn) => {};
    this.onfirst = (/** @type {number} */ _turn, /** @type {number} */ _inMs) => {};
    this.onlock = (/** @type {boolean} */ _locked) => {};
    this.told = { turn: 0, at: -1, played: -1 };
    this.timer = setInterval(() => this.report(), 250);
    this.context.addEventListener("statechange", () => { this.onlock(this.locked); if (!this.locked) this.release(); });
  }

  /** @param {string[]} channels @param {number} full @param {number} fps */
  use(channels, full, fps) {
    this.names = channels.length;
    this.full = full;
    this.fps = fps;
    this.signed = channels.findIndex((name) => name.startsWith("head") || name.startsWith("gaze"));
    if (this.signed < 0) this.signed = this.names;
    this.isHead = channels.map((name) => /^(head|gaze|eye)/.test(name));
    this.last = new Float32Array(this.names);
  }

  /** The browser wants a gesture before it plays. */
  get locked() { return this.context.state !== "running"; }

  /** Call from a gesture. */
  async unlock() { if (this.locked) await this.context.resume(); }

  /** Seconds between what the context plays and what the ear hears. */
  get lag() { return this.context.outputLatency || this.context.baseLatency || 0; }

  get now() { return this.context.currentTime - this.lag; }

  /** Sound is on its way or being heard. */
  get playing() { const end = this.pieces.at(-1); return Boolean(end && !this.locked && this.now < end.when + end.seconds); }

  /** Held back until a gesture. */
  get waiting() { return this.locked && this.pieces.length > 0; }

  /** One `spoken` message. @param {any} message @param {Uint8Array} payload */
  push(message, payload) {
    if (message.turn < this.oldest) return;
    if (message.turn > this.turn) this.begin(message.turn);
    const ready = this.prepare(message, payload);
    this.line = this.line.then(() => ready).then((piece) => this.take(piece), (error) => console.warn("a piece could not be played:", error.message));
  }

  /** @param {number} turn */
  begin(turn) {
    this.silence();
    this.turn = this.oldest = turn;
    this.gaps = 0;
    this.next = 0;
    this.line = Promise.resolve();
    this.turnGain = this.context.createGain();
    this.turnGain.connect(this.volume);
  }

  /** @param {any} message @param {Uint8Array} payload @returns {Promise<Piece>} */
  async prepare(message, payload) {
    const cut = message.audio ? message.audio.sizes.reduce((sum, size) => sum + size, 0) : 0;
    const [buffer, track] = await Promise.all([
      message.audio ? this.decoder.decode(message.turn, message.audio, payload.subarray(0, cut), message.seconds).catch(mute) : null,
      message.motion ? Track.open(payload.subarray(cut, cut + message.motion.bytes), message.motion.frames, this.names, message.at, this.fps) : null,
    ]);
    return { turn: message.turn, at: message.at, seconds: message.seconds, text: message.text, marks: message.marks ?? [], track, buffer,
      source: null, when: Infinity };
  }

  /** @param {Piece} piece */
  take(piece) {
    if (piece.turn !== this.turn || piece.turn < this.oldest) return;
    this.pieces.push(piece);
    if (!this.locked) this.schedule(piece);
    else this.onlock(true);
  }

  /** Lay a piece behind the one before it. @param {Piece} piece */
  schedule(piece) {
    const rate = this.context.sampleRate, soon = this.context.currentTime + 0.005;
    if (!this.next) {
      this.next = this.context.currentTime + LEAD;
      this.onfirst(piece.turn, (LEAD + this.lag) * 1000);
    } else if (this.next < soon) {
      this.gaps += soon - this.next;
      this.next = soon;
    }
    piece.when = Math.round(this.next * rate) / rate;
    this.next = piece.when + piece.seconds;
    if (!piece.buffer || !this.turnGain) return;
    piece.source = new AudioBufferSourceNode(this.context, { buffer: piece.buffer });
    piece.source.connect(this.turnGain);
    piece.source.start(piece.when);
  }

  /** What was held back while the browser was locked begins now, whole and in step. */
  release() { for (const piece of this.pieces) if (piece.when === Infinity) this.schedule(piece); }

  /** Fall silent and play nothing more of this turn or older ones. @param {number} [turn] the newest one that is known
   * @returns {number} s of that turn that had been heard */
  stop(turn = this.turn) {
    const heard = turn === this.turn ? this.position() : 0;
    this.oldest = Math.max(turn, this.turn) + 1;
    this.decoder.drop(this.oldest - 1);
    this.silence();
    return heard;
  }

  silence() {
    const time = this.context.currentTime;
    if (this.turnGain) {
      this.turnGain.gain.setValueAtTime(this.turnGain.gain.value, time);
      this.turnGain.gain.linearRampToValueAtTime(0, time + HUSH);
    }
    for (const piece of this.pieces) {
      try { piece.source?.stop(time + HUSH); } catch { /* InvalidStateError: it never started */ }
    }
    this.pieces = [];
  }

  /** Seconds of the present turn's speech that reached the ear. */
  position() {
    let at = 0;
    const now = this.now;
    for (const piece of this.pieces) if (piece.when <= now) at = piece.at + Math.min(now - piece.when, piece.seconds);
    return at;
  }

  /** 4 Hz, and once at the end. */
  report() {
    if (!this.pieces.length || this.locked || this.turn < this.oldest) return;
    const at = this.position();
    if (this.told.turn !== this.turn) this.told = { turn: this.turn, at: -1, played: -1 };
    if (at !== this.told.at) {
      this.told.at = at;
      this.onheard(this.turn, Math.round(at * 1000 + 0.5) / 1000);
    } else if (!this.playing && this.told.played !== at) {
      this.told.played = at;
      this.onplayed(this.turn);
    }
  }

  /**
   * Blend what is said at this instant into `out`, which holds the idle pose. @param {Float32Array} out @returns {boolean} speaking
   */
  weights(out) {
    const now = this.now, seconds = performance.now() / 1000, step = Math.min(0.1, seconds - this.blend.then);
    this.blend.then = seconds;
    const piece = this.locked ? undefined : this.pieces.find((p) => p.track && p.when <= now && now < p.when + p.seconds);
    piece?.track?.at(piece.at + now - piece.when, this.last, this.signed, this.full);
    const towards = (/** @type {number} */ value, /** @type {number} */ time) =>
      piece ? Math.min(1, value + step / time) : Math.max(0, value - step / time);
    this.blend.mouth = towards(this.blend.mouth, MOUTH);
    this.blend.head = towards(this.blend.head, HEAD);
    for (let i = 0; i < this.names; i++) {
      const share = smooth(this.isHead[i] ? this.blend.head : this.blend.mouth);
      out[i] += (this.last[i] - out[i]) * share;
    }
    return Boolean(piece);
  }

  /** Root mean square of what is being played. */
  energy() {
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return Math.sqrt(sum / this.samples.length);
  }

  /** @param {number} level 0..1 @param {boolean} muted */
  setVolume(level, muted) { this.volume.gain.setTargetAtTime(muted ? 0 : level * level, this.context.currentTime, 0.01); }

  /** Softer while somebody may be speaking. @param {boolean} on */
  duck(on) { this.duckGain.gain.setTargetAtTime(on ? DUCKED : 1, this.context.currentTime, 0.02); }

  /** @param {string} id of an output device, "" = the default */
  async setSpeaker(id) { if ("setSinkId" in this.context) await /** @type {any} */ (this.context).setSinkId(id); }
}

/** A sound that cannot be decoded is silence; captions and face go on. @param {Error} error */
const mute = (error) => { if (error.message !== "opus: dropped") console.warn("a piece could not be played:", error.message); return null; };

/** @param {number} x */
const smooth = (x) => x * x * (3 - 2 * x);
