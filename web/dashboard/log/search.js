/**
 * Finds a text in the whole log, page by page from where one looks, without holding up the page: what is not here is
 * fetched, and after a few milliseconds others have their turn.
 *
 * @typedef {import("./line-store.js").LineStore} LineStore
 * @typedef {{line: number, nth: number}} Hit  the nth hit of a line, counted from 0
 * @typedef {object} Found
 * @property {number} total  hits known so far
 * @property {number} place  the current one among them, from 1; 0: none is chosen
 * @property {number} progress  0 to 1; 1: all lines have been searched
 * @property {boolean} isRunning
 * @property {unknown} problem  why it could not go on, else null
 */

import { textOf } from "./ansi.js";
import { firstLineOf, PAGE_LINES, pageOf } from "./log-page.js";
import { PageHits } from "./page-hits.js";

/** Half a frame: the other half is for drawing. */
const TURN_MS = 8;

export class Search {
  #store;
  #load;
  #onFound;
  #onChoice;
  /** @type {RegExp | null} */
  #pattern = null;
  /** @type {Map<number, PageHits>} */
  #pages = new Map();
  /** @type {Hit | null} */
  #current = null;
  /** A step that waits until its way has been searched. */
  /** @type {1 | -1 | 0} */
  #awaited = 0;
  #start = 1;
  /** @type {object | null} */
  #run = null;
  /** @type {unknown} */
  #problem = null;
  /** When the turn began in which lines are searched. */
  #turn = 0;

  /**
   * @param {object} parts
   * @param {LineStore} parts.store
   * @param {(page: number) => Promise<void>} parts.load
   * @param {() => void} parts.onFound  `found` has changed
   * @param {(hit: Hit) => void} parts.onChoice  another hit is the current one
   */
  constructor({ store, load, onFound, onChoice }) {
    this.#store = store;
    this.#load = load;
    this.#onFound = onFound;
    this.#onChoice = onChoice;
  }

  /** @returns {Found} */
  get found() {
    const hits = [...this.#pages.values()];
    const searched = hits.reduce((sum, page) => sum + page.searched, 0);
    return {
      total: hits.reduce((sum, page) => sum + page.total, 0),
      place: this.#place(),
      progress: this.#store.last === 0 ? 1 : searched / this.#store.last,
      isRunning: this.#run !== null,
      problem: this.#problem,
    };
  }

  /** What is searched for. */
  get pattern() {
    return this.#pattern;
  }

  /** The hit that is chosen. */
  get current() {
    return this.#current;
  }

  /**
   * Searches for another text, and chooses its first hit from a line on.
   *
   * @param {string} query  "" ends the search
   * @param {{isCaseSensitive: boolean, from: number}} options
   */
  begin(query, { isCaseSensitive, from }) {
    this.cancel();
    this.#pattern = query === "" ? null : patternOf(query, isCaseSensitive);
    this.#pages.clear();
    this.#current = null;
    this.#start = from;
    this.#awaited = this.#pattern ? 1 : 0;
    this.resume();
  }

  /** Goes on: after lines were added, after a problem, after `cancel`. */
  resume() {
    if (!this.#pattern || this.#run) return;
    const run = {};
    this.#run = run;
    this.#turn = performance.now();
    this.#problem = null;
    this.#searchAll(run).finally(() => {
      if (this.#run !== run) return;
      this.#run = null;
      this.#settle();
      this.#awaited = 0;
      this.#onFound();
    });
    this.#onFound();
  }

  /** Stops where it is; what was found stays. */
  cancel() {
    this.#run = null;
    this.#awaited = 0;
  }

  /**
   * Chooses the next or the previous hit, around the end of the log. If its way has not been searched yet, as soon as
   * that is done.
   *
   * @param {1 | -1} direction
   */
  step(direction) {
    this.#awaited = direction;
    this.resume();
    this.#settle();
  }

  /** @param {object} run */
  async #searchAll(run) {
    const stuck = new Set();
    try {
      for (let page = this.#nextPage(stuck); page !== null; page = this.#nextPage(stuck)) {
        const before = this.#hits(page).searched;
        if (this.#store.firstHole(page) !== null) await this.#load(page);
        if (this.#store.firstHole(page + 1) !== null) this.#load(page + 1).catch(() => {});
        if (this.#run === run) await this.#searchPage(page, run);
        if (this.#run !== run) return;
        if (this.#hits(page).searched === before) stuck.add(page);
        this.#settle();
        this.#onFound();
      }
    } catch (error) {
      if (this.#run === run) this.#problem = error;
    }
  }

  /**
   * @param {number} page
   * @param {object} run
   */
  async #searchPage(page, run) {
    const hits = this.#hits(page);
    const pattern = /** @type {RegExp} */ (this.#pattern);
    for (let line = firstLineOf(page) + hits.searched; line < firstLineOf(page + 1); line++) {
      const raw = this.#store.line(line);
      if (raw === undefined) return;
      hits.add(line, rangesIn(textOf(raw), pattern).length);
      if (performance.now() - this.#turn < TURN_MS) continue;
      await new Promise((resolve) => setTimeout(resolve));
      if (this.#run !== run) return;
      this.#turn = performance.now();
    }
  }

  /**
   * The next page with lines that have not been searched.
   *
   * @param {Set<number>} stuck  pages whose lines are still on their way
   */
  #nextPage(stuck) {
    const count = this.#store.last === 0 ? 0 : this.#store.lastPage + 1;
    for (let offset = 0; offset < count; offset++) {
      const page = (pageOf(this.#start) + offset) % count;
      if (!stuck.has(page) && !this.#isSearched(page)) return page;
    }
    return null;
  }

  /** Takes the step that waits, if its way has been searched. */
  #settle() {
    if (this.#awaited === 0) return;
    const hit = this.#beyond(this.#awaited);
    if (hit === undefined) return;
    this.#awaited = 0;
    if (hit === null) return;
    this.#current = hit;
    this.#onFound();
    this.#onChoice(hit);
  }

  /**
   * The hit after or before the current one.
   *
   * @param {1 | -1} direction
   * @returns {Hit | null | undefined} null: there is none; undefined: not known yet
   */
  #beyond(direction) {
    const count = this.#store.lastPage + 1;
    const start = this.#current ?? { line: this.#start, nth: -1 };
    for (let offset = 0; offset <= count; offset++) {
      const page = (((pageOf(start.line) + offset * direction) % count) + count) % count;
      const hits = this.#hits(page);
      const isOpen = this.#run !== null && !this.#isSearched(page);
      if (isOpen && direction === -1) return undefined;
      const hit = offset === 0 ? hits.beyond(start, direction) : hits.outermost(direction);
      if (hit) return hit;
      if (isOpen) return undefined;
    }
    return null;
  }

  /** @param {number} page */
  #isSearched(page) {
    return this.#hits(page).searched >= Math.min(PAGE_LINES, this.#store.last - firstLineOf(page) + 1);
  }

  #place() {
    if (this.#current === null) return 0;
    const { line } = this.#current;
    const before = [...this.#pages].filter(([page]) => page < pageOf(line));
    return before.reduce((sum, [, page]) => sum + page.total, 0) + this.#hits(pageOf(line)).placeOf(this.#current);
  }

  /** @param {number} page */
  #hits(page) {
    const hits = this.#pages.get(page) ?? new PageHits();
    this.#pages.set(page, hits);
    return hits;
  }
}

/**
 * Where a pattern is found in a text.
 *
 * @param {string} text
 * @param {RegExp} pattern  global
 * @returns {[from: number, to: number][]}
 */
export function rangesIn(text, pattern) {
  return Array.from(text.matchAll(pattern), (match) => [match.index, match.index + match[0].length]);
}

/**
 * @param {string} query
 * @param {boolean} isCaseSensitive
 */
export function patternOf(query, isCaseSensitive) {
  return new RegExp(query.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"), isCaseSensitive ? "g" : "gi");
}
