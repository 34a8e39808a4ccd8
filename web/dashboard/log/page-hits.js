/**
 * The hits of a search in one page of a log: per line how many, so that a million of them stay small.
 *
 * @typedef {import("./search.js").Hit} Hit
 */
export class PageHits {
  /** @type {number[]} */
  #lines = [];
  /** @type {number[]} */
  #counts = [];
  #total = 0;
  #searched = 0;

  get total() {
    return this.#total;
  }

  /** How many lines of the page have been searched, from its first on. */
  get searched() {
    return this.#searched;
  }

  /**
   * @param {number} line  the one after the last that was searched
   * @param {number} count
   */
  add(line, count) {
    this.#searched += 1;
    if (count === 0) return;
    this.#lines.push(line);
    this.#counts.push(count);
    this.#total += count;
  }

  /**
   * The hit next to a place, in the page.
   *
   * @param {Hit} place
   * @param {1 | -1} direction
   * @returns {Hit | null}
   */
  beyond({ line, nth }, direction) {
    const at = this.#lines.indexOf(line);
    if (at >= 0) {
      const next = nth + direction;
      if (next >= 0 && next < (this.#counts[at] ?? 0)) return { line, nth: next };
    }
    const index =
      direction === 1
        ? this.#lines.findIndex((other) => other > line)
        : this.#lines.findLastIndex((other) => other < line);
    return this.#hit(index, direction);
  }

  /**
   * The first hit of the page going forward, the last going back.
   *
   * @param {1 | -1} direction
   * @returns {Hit | null}
   */
  outermost(direction) {
    return this.#hit(direction === 1 ? 0 : this.#lines.length - 1, direction);
  }

  /**
   * The place of a hit among those of the page, from 1.
   *
   * @param {Hit} hit
   */
  placeOf({ line, nth }) {
    const at = this.#lines.indexOf(line);
    return this.#counts.slice(0, Math.max(at, 0)).reduce((sum, count) => sum + count, 0) + nth + 1;
  }

  /**
   * @param {number} index
   * @param {1 | -1} direction
   * @returns {Hit | null}
   */
  #hit(index, direction) {
    const line = this.#lines[index];
    if (line === undefined) return null;
    return { line, nth: direction === 1 ? 0 : (this.#counts[index] ?? 1) - 1 };
  }
}
