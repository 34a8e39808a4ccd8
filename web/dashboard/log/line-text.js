/**
 * The elements of a line: its spans in their styles, with the hits of a search marked.
 *
 * @typedef {import("./ansi.js").Span} Span
 * @typedef {import("./sgr.js").Style} Style
 * @typedef {[from: number, to: number]} Range
 * @typedef {{text: string, style: Readonly<Style>, range: number}} Piece  `range`: which hit it belongs to, -1: none
 */

import { element } from "../elements.js";
import { fixedColour, textColourOn } from "./colour.js";
import { isSameStyle, PLAIN } from "./sgr.js";

/**
 * Cuts spans where ranges begin and end.
 *
 * @param {readonly Span[]} spans
 * @param {readonly Range[]} ranges  in order, not overlapping
 * @returns {Piece[]}
 */
export function piecesOf(spans, ranges) {
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  let range = 0;
  for (const { text, style } of spans) {
    const end = at + text.length;
    for (let from = at; from < end;) {
      while (range < ranges.length && (ranges[range]?.[1] ?? 0) <= from) range += 1;
      const [start, stop] = ranges[range] ?? [Infinity, Infinity];
      const isHit = start <= from;
      const to = Math.min(end, isHit ? stop : start);
      pieces.push({ text: text.slice(from - at, to - at), style, range: isHit ? range : -1 });
      from = to;
    }
    at = end;
  }
  return pieces;
}

/**
 * The first characters of a line.
 *
 * @param {readonly Span[]} spans
 * @param {number} length
 * @returns {Span[]}
 */
export function cutTo(spans, length) {
  /** @type {Span[]} */
  const kept = [];
  let room = length;
  for (const { text, style } of spans) {
    if (room <= 0) break;
    kept.push({ text: text.slice(0, room), style });
    room -= text.length;
  }
  return kept;
}

/**
 * The first spans as they are, and the text of all others as one plain span: each is an element on the page.
 *
 * @param {readonly Span[]} spans
 * @param {number} most  in their own styles
 * @returns {Span[]}
 */
export function joinAfter(spans, most) {
  if (spans.length <= most) return [...spans];
  const rest = spans.slice(most).map(({ text }) => text);
  return [...spans.slice(0, most), { text: rest.join(""), style: PLAIN }];
}

/**
 * @param {readonly Piece[]} pieces
 * @param {number} current  the range that is the chosen hit; -1: none
 * @returns {(Node | string)[]}
 */
export function drawPieces(pieces, current) {
  return pieces.map(({ text, style, range }) => {
    if (range < 0) return isSameStyle(style, PLAIN) ? text : styled("span", text, style);
    const mark = styled("mark", text, style);
    mark.classList.add(range === current ? "log-hit-current" : "log-hit");
    return mark;
  });
}

/**
 * @param {"span" | "mark"} tag
 * @param {string} text
 * @param {Readonly<Style>} style
 */
function styled(tag, text, style) {
  const made = element(tag, {}, text);
  for (const name of classesOf(style)) made.classList.add(name);
  const { fg, bg } = seen(style);
  if (bg !== null) {
    made.style.backgroundColor = fixedColour(bg);
    made.style.color = textColourOn(bg, fg);
  } else if (typeof fg === "string") made.style.setProperty("--ansi-own", fg);
  return made;
}

/** @param {Readonly<Style>} style */
function classesOf(style) {
  const { fg, bg } = seen(style);
  const names = /** @type {const} */ (["bold", "italic", "underline", "strike"]).filter((name) => style[name]);
  const classes = names.map((name) => `ansi-${name}`);
  if (bg !== null) return classes;
  if (style.inverse) classes.push("ansi-inverse");
  else if (typeof fg === "number") classes.push(`ansi-fg-${fg}`);
  else if (fg !== null) classes.push("ansi-own");
  else if (style.dim) classes.push("ansi-dim");
  return classes;
}

/**
 * The colours after inverse video. Of the page's own two only the class knows which they are.
 *
 * @param {Readonly<Style>} style
 */
function seen({ fg, bg, inverse }) {
  return inverse ? { fg: bg, bg: fg } : { fg, bg };
}
