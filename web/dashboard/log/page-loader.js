/**
 * Fetches the pages that somebody looks at or searches, and that the live lines do not bring.
 *
 * @typedef {{attempt: number, firstLine: number, lines: string[], position: string, nextAfter: number | null}} LogAnswer
 * @typedef {(after: number, limit: number) => Promise<LogAnswer>} ReadLog  rejects with what `Callboard.fetch` throws
 * @typedef {import("./line-store.js").LineStore} LineStore
 */

import { pageOf } from "./log-page.js";

/** A fast scroll must not become a queue of a hundred answers. */
const AT_ONCE = 2;

export class PageLoader {
  #store;
  #read;
  #onPage;
  #onProblem;
  /** @type {Map<number, Promise<void>>} */
  #loading = new Map();
  /** @type {number[]} */
  #wanted = [];
  #liveFrom = 0;
  #hasFailed = false;

  /**
   * @param {object} parts
   * @param {LineStore} parts.store
   * @param {ReadLog} parts.read
   * @param {() => void} parts.onPage  lines have come
   * @param {(error: unknown) => void} parts.onProblem  what is wanted could not be had; `retry` tries again
   */
  constructor({ store, read, onPage, onProblem }) {
    this.#store = store;
    this.#read = read;
    this.#onPage = onPage;
    this.#onProblem = onProblem;
  }

  /** @param {number} line  from here on the lines that are missing are on their way, live */
  set liveFrom(line) {
    this.#liveFrom = line;
  }

  /**
   * Says which lines are looked at now; what was looked at before, and has not been asked for yet, is forgotten.
   *
   * @param {number} from
   * @param {number} to
   */
  want(from, to) {
    this.#wanted = [];
    for (let page = pageOf(from); page <= pageOf(to); page++) if (this.#isMissing(page)) this.#wanted.push(page);
    this.#next();
  }

  retry() {
    this.#hasFailed = false;
    this.#next();
  }

  /**
   * Loads the missing lines of one page, at once.
   *
   * @param {number} page
   * @returns {Promise<void>} rejects if they could not be fetched
   */
  load(page) {
    const running = this.#loading.get(page);
    if (running) return running;
    const filled = this.#fill(page).finally(() => this.#loading.delete(page));
    this.#loading.set(page, filled);
    filled.then(
      () => this.#next(),
      () => {},
    );
    return filled;
  }

  #next() {
    while (!this.#hasFailed && this.#loading.size < AT_ONCE) {
      const page = this.#wanted.find((wanted) => !this.#loading.has(wanted) && this.#isMissing(wanted));
      if (page === undefined) return;
      this.load(page).catch((error) => {
        this.#hasFailed = true;
        this.#onProblem(error);
      });
    }
  }

  /** @param {number} page */
  async #fill(page) {
    for (let hole = this.#hole(page); hole !== null; hole = this.#hole(page)) {
      const lines = await linesAfter(this.#read, hole.from - 1, hole.to - hole.from + 1);
      this.#store.put(hole.from, lines);
      this.#onPage();
    }
  }

  /** @param {number} page */
  #isMissing(page) {
    return this.#hole(page) !== null;
  }

  /** @param {number} page */
  #hole(page) {
    const hole = this.#store.firstHole(page);
    return hole === null || hole.from >= this.#liveFrom ? null : { ...hole, to: Math.min(hole.to, this.#liveFrom - 1) };
  }
}

/**
 * Reads lines that exist. Others than those asked for, as from a cache that leaves out the query, would be asked for
 * again and again.
 *
 * @param {ReadLog} read
 * @param {number} after
 * @param {number} limit
 * @returns {Promise<string[]>} the lines from `after + 1` on: at least one, at most `limit`
 * @throws {LinesNotGiven}
 */
export async function linesAfter(read, after, limit) {
  const { firstLine, lines } = await read(after, limit);
  if (firstLine !== after + 1 || lines.length === 0 || lines.length > limit) throw new LinesNotGiven();
  return lines;
}

/** The answer is not what was asked for: no lines, other lines, or those of another attempt. */
export class LinesNotGiven extends Error {
  /** These two as a problem of the gateway has them, so that people are told of this and not of their network. */
  status = 200;
  detail = this.message;

  constructor() {
    super("The answer does not have the lines that were asked for.");
    this.name = "LinesNotGiven";
  }
}
