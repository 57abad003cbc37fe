/** Where a message stands in the server's history, which alone counts: what nobody heard a word of is not in it. */

export class Finder {
  /** @param {import("./live.js").Live} live */
  constructor(live) {
    this.live = live;
    /** @type {{turn: number, role: string, run(index: number): void} | null} */
    this.wanted = null;
    live.on("history", ({ history }) => this.look(history));
  }

  /** @param {import("./talk.js").Item} item @param {string} conversation the present one; asked to resume it, the server tells its history
   * @param {(index: number) => void} run */
  find({ turn, role }, conversation, run) {
    this.wanted = { turn, role, run };
    this.live.send({ type: "resume", conversation });
  }

  /** @param {any[]} history */
  look(history) {
    const { wanted } = this, index = history.findIndex(({ turn, role }) => turn === wanted?.turn && role === wanted?.role);
    this.wanted = null;
    if (wanted && index >= 0) wanted.run(index);
  }
}
