/**
 * Which lines are chosen, by their numbers, as links name them: "120" or "120-140".
 *
 * @typedef {{from: number, to: number}} Lines
 */

/**
 * @param {string | number | null | undefined} text
 * @returns {Lines | null} null if it names no lines
 */
export function readLines(text) {
  const match = /^\s*(\d{1,10})(?:\s*-\s*(\d{1,10}))?\s*$/.exec(String(text ?? ""));
  if (!match) return null;
  const [one, other] = [Number(match[1]), Number(match[2] ?? match[1])];
  return one < 1 || other < 1 ? null : between(one, other);
}

/** @param {Lines} lines */
export function writeLines({ from, to }) {
  return from === to ? String(from) : `${from}-${to}`;
}

/**
 * The part of a choice that a log has; a link can name ten thousand million lines.
 *
 * @param {Lines} lines
 * @param {number} last  of the log
 * @returns {Lines | null} null if it has none of them
 */
export function linesWithin({ from, to }, last) {
  return from > last ? null : { from, to: Math.min(to, last) };
}

/**
 * The raw texts of lines.
 *
 * @param {Lines} lines
 * @param {(line: number) => string | undefined} textAt
 * @returns {string[] | null} null if one of them is not here; those after it are not looked at
 */
export function textsOf({ from, to }, textAt) {
  const texts = [];
  for (let line = from; line <= to; line++) {
    const text = textAt(line);
    if (text === undefined) return null;
    texts.push(text);
  }
  return texts;
}

export class LineSelection {
  /** @type {Lines | null} */
  #lines = null;
  #anchor = 1;

  /** @returns {Lines | null} */
  get lines() {
    return this.#lines;
  }

  /** @param {Lines | null} lines */
  choose(lines) {
    this.#lines = lines;
    this.#anchor = lines?.from ?? 1;
  }

  /**
   * A number was clicked: this line, or with Shift all from the one that was clicked before.
   *
   * @param {number} line
   * @param {boolean} isRange
   */
  click(line, isRange) {
    if (!isRange || this.#lines === null) this.#anchor = line;
    this.#lines = between(this.#anchor, line);
  }

  /** @param {number} line */
  has(line) {
    return this.#lines !== null && line >= this.#lines.from && line <= this.#lines.to;
  }
}

/**
 * @param {number} one
 * @param {number} other
 * @returns {Lines}
 */
function between(one, other) {
  return { from: Math.min(one, other), to: Math.max(one, other) };
}
