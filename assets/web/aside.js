/** A silence: after a minute in which nobody spoke, typed or listened, the twin may say one thing of its own. */

const ALONE = 60_000;                                   // ms

export class Aside {
  /** @param {() => boolean} silent nothing goes on at all @param {() => void} speak */
  constructor(silent, speak) {
    Object.assign(this, { silent, speak });
    this.since = performance.now();
    this.done = false;
    setInterval(() => this.look(), 1000);
  }

  /** The twin has spoken: the silence begins now. */
  rest() { this.since = performance.now(); }

  /** The user spoke: the next silence is another one. */
  over() {
    this.rest();
    this.done = false;
  }

  look() {
    if (this.done) return;
    if (document.hidden || !this.silent()) this.since = performance.now();
    if (performance.now() - this.since < ALONE) return;
    this.done = true;
    this.speak();
  }
}
