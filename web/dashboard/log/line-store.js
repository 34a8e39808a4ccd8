/**
 * The lines of one attempt that this browser holds, by number, with holes. Pages far from what is shown are given up
 * when they become too many; they can be fetched again.
 *
 * @typedef {import("./sgr.js").Style} Style
 */

import { firstLineOf, LogPage, PAGE_LINES, pageOf } from "./log-page.js";
import { PLAIN } from "./sgr.js";

/** Some 100 MB at most: browsers keep Latin text in one byte a character, other text in two. */
const MAX_CHARACTERS = 50_000_000;

export class LineStore {
  /** @type {Map<number, LogPage>} */
  #pages = new Map();
  #last = 0;
  #characters = 0;
  #maxCharacters;

  constructor(maxCharacters = MAX_CHARACTERS) {
    this.#maxCharacters = maxCharacters;
  }

  /** The number of the last line that is known to exist; 0: there is none. */
  get last() {
    return this.#last;
  }

  get lastPage() {
    return pageOf(this.#last);
  }

  /** @param {number} last  says that the log goes as far as this */
  extendTo(last) {
    this.#last = Math.max(this.#last, last);
  }

  /**
   * @param {number} firstLine
   * @param {readonly string[]} lines
   */
  put(firstLine, lines) {
    lines.forEach((text, offset) => {
      const line = firstLine + offset;
      const page = this.#page(pageOf(line));
      const before = page.characters;
      page.put(line - firstLineOf(pageOf(line)), text);
      this.#characters += page.characters - before;
    });
    this.extendTo(firstLine + lines.length - 1);
  }

  /**
   * The raw text of a line; undefined if it is not here.
   *
   * @param {number} line
   */
  line(line) {
    return this.#pages.get(pageOf(line))?.line((line - 1) % PAGE_LINES);
  }

  /**
   * The first lines of a page that exist and are not here; null if there are none.
   *
   * @param {number} page
   * @returns {{from: number, to: number} | null}
   */
  firstHole(page) {
    const first = firstLineOf(page);
    const size = Math.min(PAGE_LINES, this.#last - first + 1);
    const held = this.#pages.get(page) ?? new LogPage();
    if (held.held >= size) return null;
    const { from, to } = held.firstHole(size);
    return { from: first + from, to: first + to };
  }

  /**
   * The styles in which the lines of a range begin.
   *
   * @param {number} from
   * @param {number} to  inclusive
   * @returns {Readonly<Style>[]}
   */
  stylesOf(from, to) {
    /** @type {Readonly<Style>[]} */
    const styles = [];
    let entry = this.#entryOf(pageOf(from));
    for (let line = from; line <= to; line++) {
      const page = this.#pages.get(pageOf(line));
      const index = (line - 1) % PAGE_LINES;
      styles.push(page?.startStyle(index, entry) ?? PLAIN);
      if (index === PAGE_LINES - 1) entry = page?.startStyle(PAGE_LINES, entry) ?? PLAIN;
    }
    return styles;
  }

  /**
   * Gives up the pages farthest from those in use, if there are too many.
   *
   * @param {number} from  the first page in use
   * @param {number} to  the last
   */
  trim(from, to) {
    if (this.#characters <= this.#maxCharacters) return;
    const distance = (/** @type {number} */ page) => Math.max(from - page, page - to);
    const others = [...this.#pages.keys()].filter((page) => distance(page) > 0 && page !== this.lastPage);
    for (const page of others.sort((one, other) => distance(other) - distance(one))) {
      this.#characters -= this.#pages.get(page)?.characters ?? 0;
      this.#pages.delete(page);
      if (this.#characters <= this.#maxCharacters) return;
    }
  }

  /**
   * The style at the start of a page: from the last hole on every page before it counts.
   *
   * @param {number} page
   */
  #entryOf(page) {
    let from = page;
    while (this.#pages.get(from - 1)?.held === PAGE_LINES) from -= 1;
    let entry = PLAIN;
    for (let at = from; at < page; at++) entry = this.#pages.get(at)?.startStyle(PAGE_LINES, entry) ?? PLAIN;
    return entry;
  }

  /** @param {number} number */
  #page(number) {
    const page = this.#pages.get(number) ?? new LogPage();
    this.#pages.set(number, page);
    return page;
  }
}
