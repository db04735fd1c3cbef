/**
 * Puts console lines in order: none lost, none twice, across reconnects.
 *
 * A frame {message, seq} holds the lines of `message` (joined by \n); the last of them has the number `seq`, those
 * before it the numbers before. After a reconnect the node may repeat lines: they are dropped. A jump in the numbers
 * is held back until the lines between arrive, or until `giveUp` is called: then a marker says how many are missing.
 * Nodes that do not number lines repeat the last hundred on connect; what was already shown of these is recognised
 * by comparing texts.
 */
const RECENT = 500;

export class LineOrder {
  #last = null;
  #lastTime = "";
  #held = [];
  #recent = [];
  #replay = null;

  /** Number of the last line shown; null before the first. */
  get last() {
    return this.#last;
  }

  /** Whether frames wait for lines between. */
  get waiting() {
    return this.#held.length > 0;
  }

  /** Called when a connection opens: what comes now may repeat what was shown. */
  reopened() {
    this.#replay = this.#recent.length ? [] : null;
  }

  /** Answers the lines [{text, timestamp}] that may be shown now. */
  accept({ message, seq, timestamp }) {
    const lines = message.replace(/\r?\n$/, "").split(/\r?\n/).map((text) => ({ text, timestamp }));
    if (seq === undefined || seq === null) return this.#unnumbered(lines);
    this.#replay = null;
    if (seq <= this.#last && timestamp > this.#lastTime) this.#last = null; // the node began counting anew
    this.#held.push({ first: seq - lines.length + 1, seq, lines, timestamp });
    return this.#drain();
  }

  /** The node says it left lines out for this slow viewer. */
  skipped(count, seq) {
    if (seq) this.#last = seq;
    return [{ skipped: count }, ...this.#drain()];
  }

  /** The lines between did not come: show what is held, with a marker for what is missing. */
  giveUp() {
    const shown = [];
    while (this.#held.length) {
      this.#held.sort((a, b) => a.first - b.first);
      const missing = this.#held[0].first - this.#last - 1;
      if (missing > 0) {
        shown.push({ skipped: missing });
        this.#last += missing;
      }
      shown.push(...this.#drain());
    }
    return shown;
  }

  /** Ends the time in which unnumbered lines count as repeated; answers those that are new. */
  endReplay() {
    if (!this.#replay) return [];
    const lines = this.#replay;
    this.#replay = null;
    let overlap = Math.min(lines.length, this.#recent.length);
    while (overlap > 0 && !this.#endsWith(lines, overlap)) overlap -= 1;
    return this.#show(lines.slice(overlap));
  }

  #endsWith(lines, count) {
    const tail = this.#recent.slice(-count);
    return tail.every((text, index) => text === lines[index].text);
  }

  #unnumbered(lines) {
    if (!this.#replay) return this.#show(lines);
    this.#replay.push(...lines);
    return [];
  }

  #drain() {
    const shown = [];
    this.#held.sort((a, b) => a.first - b.first);
    while (this.#held.length && (this.#last === null || this.#held[0].first <= this.#last + 1)) {
      const frame = this.#held.shift();
      if (this.#last !== null && frame.seq <= this.#last) continue;
      const known = this.#last === null ? 0 : this.#last - frame.first + 1;
      shown.push(...frame.lines.slice(Math.max(0, known)));
      this.#last = frame.seq;
      if (frame.timestamp > this.#lastTime) this.#lastTime = frame.timestamp;
    }
    return this.#show(shown);
  }

  #show(lines) {
    this.#recent.push(...lines.map((one) => one.text));
    if (this.#recent.length > RECENT) this.#recent.splice(0, this.#recent.length - RECENT);
    return lines;
  }
}
