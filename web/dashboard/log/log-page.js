/**
 * A thousand lines of a log, some of them perhaps not there yet.
 *
 * @typedef {import("./sgr.js").Style} Style
 */

import { styleAfter } from "./ansi.js";
import { isSameStyle, PLAIN } from "./sgr.js";

/** As many as one call to the producer gives. */
export const PAGE_LINES = 1_000;

/** @param {number} line  counted from 1 */
export function pageOf(line) {
  return Math.floor((line - 1) / PAGE_LINES);
}

/** @param {number} page  counted from 0 */
export function firstLineOf(page) {
  return page * PAGE_LINES + 1;
}

export class LogPage {
  /** @type {(string | undefined)[]} */
  #lines = [];
  #held = 0;
  #characters = 0;
  /** The style at the start of each line, as far as somebody has asked; it follows from what is before them. */
  /** @type {Readonly<Style>[]} */
  #starts = [PLAIN];

  /** How many of its lines are there. */
  get held() {
    return this.#held;
  }

  get characters() {
    return this.#characters;
  }

  /** @param {number} index  0 to 999 */
  line(index) {
    return this.#lines[index];
  }

  /**
   * Keeps a line; one that is there already stays, for a stored line never changes.
   *
   * @param {number} index
   * @param {string} text
   */
  put(index, text) {
    if (this.#lines[index] !== undefined) return;
    while (this.#lines.length <= index) this.#lines.push(undefined);
    this.#lines[index] = text;
    this.#held += 1;
    this.#characters += text.length;
    this.#starts.length = Math.min(this.#starts.length, index + 1);
  }

  /**
   * The first of the missing lines that stand together, as indices.
   *
   * @param {number} size  how many lines of the page exist; one of them is missing
   * @returns {{from: number, to: number}}
   */
  firstHole(size) {
    let from = 0;
    while (this.#lines[from] !== undefined) from += 1;
    let to = from;
    while (to + 1 < size && this.#lines[to + 1] === undefined) to += 1;
    return { from, to };
  }

  /**
   * The style in which a line begins. After a line that is missing nobody knows: plain.
   *
   * @param {number} index  0 to 1,000; the last is the start of the next page
   * @param {Readonly<Style>} entry  the style at the start of the page
   */
  startStyle(index, entry) {
    const known = this.#starts[0];
    if (known === undefined || !isSameStyle(known, entry)) this.#starts = [entry];
    for (let at = this.#starts.length; at <= index; at++) {
      const before = this.#lines[at - 1];
      this.#starts.push(before === undefined ? PLAIN : styleAfter(before, this.#starts[at - 1] ?? PLAIN));
    }
    return this.#starts[index] ?? PLAIN;
  }
}
