/**
 * The rows of the log: makes them, and brings them up to date when something about them has changed.
 *
 * @typedef {import("./line-store.js").LineStore} LineStore
 * @typedef {import("./line-selection.js").LineSelection} LineSelection
 * @typedef {import("./search.js").Search} Search
 * @typedef {import("./sgr.js").Style} Style
 * @typedef {object} Look  all that a row shows
 * @property {string | undefined} raw
 * @property {Readonly<Style>} style
 * @property {RegExp | null} pattern
 * @property {number} current  which of its hits is the chosen one; -1: none
 * @property {boolean} isSelected
 * @property {boolean} isWhole
 */

import { element } from "../elements.js";
import { spansOf } from "./ansi.js";
import { cutTo, drawPieces, joinAfter, piecesOf } from "./line-text.js";
import { rangesIn } from "./search.js";
import { isSameStyle, PLAIN } from "./sgr.js";

/** Fifty lines of 16 KiB take far longer than a frame to lay out; what is behind this is drawn on demand. */
const DRAWN_CHARACTERS = 1_000;
/** Thousands of hits in one line are thousands of elements. */
const DRAWN_HITS = 50;
/** So are thousands of colours: seventy rows of a thousand each hold up every step of a scroll for a second. */
const DRAWN_SPANS = 100;

export class LogRows {
  #store;
  #selection;
  #search;
  #hrefOf;
  #onChange;
  /** @type {WeakMap<HTMLElement, Look>} */
  #looks = new WeakMap();
  /** @type {Set<number>} lines that are drawn to their end */
  #whole = new Set();
  #longest = 0;

  /**
   * @param {object} parts
   * @param {LineStore} parts.store
   * @param {LineSelection} parts.selection
   * @param {Search} parts.search
   * @param {(line: number) => string} parts.hrefOf  the link to a line
   * @param {() => void} parts.onChange  a row wants to be drawn anew
   */
  constructor({ store, selection, search, hrefOf, onChange }) {
    this.#store = store;
    this.#selection = selection;
    this.#search = search;
    this.#hrefOf = hrefOf;
    this.#onChange = onChange;
  }

  /** The characters of the longest line that was drawn. */
  get longest() {
    return this.#longest;
  }

  /** @param {number} line */
  create(line) {
    const number = element("a", {
      class: "log-number",
      href: this.#hrefOf(line),
      tabindex: -1,
      draggable: "false",
      "aria-label": `Line ${line}`,
      "data-line": line,
    });
    return element("div", { class: "log-row" }, number, element("span", { class: "log-text" }));
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {(line: number) => HTMLElement} rowOf
   */
  draw(from, to, rowOf) {
    const styles = this.#store.stylesOf(from, to);
    for (let line = from; line <= to; line++) {
      const row = rowOf(line);
      const look = this.#lookOf(line, styles[line - from] ?? PLAIN);
      const known = this.#looks.get(row);
      if (known && isSameLook(known, look)) continue;
      this.#looks.set(row, look);
      this.#redraw(row, line, look);
    }
  }

  /**
   * @param {number} line
   * @param {Readonly<Style>} style
   * @returns {Look}
   */
  #lookOf(line, style) {
    const { current, pattern } = this.#search;
    return {
      raw: this.#store.line(line),
      style,
      pattern,
      current: current?.line === line ? current.nth : -1,
      isSelected: this.#selection.has(line),
      isWhole: this.#whole.has(line),
    };
  }

  /**
   * @param {HTMLElement} row
   * @param {number} line
   * @param {Look} look
   */
  #redraw(row, line, look) {
    row.classList.toggle("is-selected", look.isSelected);
    row.classList.toggle("is-missing", look.raw === undefined);
    const text = /** @type {Element} */ (row.lastElementChild);
    if (look.raw === undefined) text.replaceChildren();
    else text.replaceChildren(...this.#content(line, look.raw, look));
  }

  /**
   * @param {number} line
   * @param {string} raw
   * @param {Look} look
   */
  #content(line, raw, { style, pattern, current, isWhole }) {
    const spans = spansOf(raw, style);
    const text = spans.map((span) => span.text).join("");
    const { length } = text;
    const most = isWhole ? length : Math.min(length, DRAWN_CHARACTERS);
    const all = pattern ? rangesIn(current < 0 ? text.slice(0, most) : text, pattern) : [];
    const chosen = all[current];
    const drawn = Math.max(most, chosen?.[1] ?? 0);
    const ranges = all.filter((range, nth) => nth < DRAWN_HITS || range === chosen);
    const pieces = piecesOf(joinAfter(cutTo(spans, drawn), DRAWN_SPANS), ranges);
    const nodes = drawPieces(pieces, chosen ? ranges.indexOf(chosen) : -1);
    this.#longest = Math.max(this.#longest, drawn);
    return drawn < length ? [...nodes, this.#more(line, length - drawn)] : nodes;
  }

  /**
   * @param {number} line
   * @param {number} hidden  how many characters
   */
  #more(line, hidden) {
    const show = () => {
      this.#whole.add(line);
      this.#onChange();
    };
    const text = `${hidden.toLocaleString("en")} more characters`;
    return element("button", { type: "button", class: "log-more", onclick: show }, text);
  }
}

/**
 * @param {Look} one
 * @param {Look} other
 */
function isSameLook(one, other) {
  return (
    one.raw === other.raw &&
    one.pattern === other.pattern &&
    one.current === other.current &&
    one.isSelected === other.isSelected &&
    one.isWhole === other.isWhole &&
    isSameStyle(one.style, other.style)
  );
}
