/**
 * "Select graphic rendition": what `ESC [ 1 ; 31 m` does to the text after it.
 *
 * @typedef {import("./colour.js").Colour} Colour
 * @typedef {object} Style
 * @property {Colour | null} fg  null: the colour of plain text
 * @property {Colour | null} bg
 * @property {boolean} bold
 * @property {boolean} dim
 * @property {boolean} italic
 * @property {boolean} underline
 * @property {boolean} strike
 * @property {boolean} inverse
 */

import { indexedColour, rgbColour } from "./colour.js";

/** @type {Readonly<Style>} */
export const PLAIN = Object.freeze({
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
});

/** @type {Map<number, Partial<Style>>} */
const EFFECTS = new Map(
  Object.entries({
    1: { bold: true },
    2: { dim: true },
    3: { italic: true },
    4: { underline: true },
    7: { inverse: true },
    9: { strike: true },
    21: { underline: true },
    22: { bold: false, dim: false },
    23: { italic: false },
    24: { underline: false },
    27: { inverse: false },
    29: { strike: false },
    39: { fg: null },
    49: { bg: null },
  }).map(([code, effect]) => [Number(code), effect]),
);

/** Where a colour in long form goes: text, background, and the colour of underlines, which is not drawn. */
const LONG_COLOURS = new Map([
  [38, "fg"],
  [48, "bg"],
  [58, null],
]);

/** As many as the console of Linux heeds. A line of 16 KiB could have 16,000, and a page a thousand such lines. */
const MOST_PARAMETERS = 16;
/** A long colour in colons with all its parts: kind, colour space, red, green, blue. */
const MOST_PARTS = 6;

/**
 * The style after escapes with these parameters, one after the other. What is not known changes nothing.
 *
 * @param {Readonly<Style>} style
 * @param {...string} escapes  parameters as written: "1;31", "38;5;208", "38:2::255:128:0", ""
 * @returns {Readonly<Style>}
 */
export function restyled(style, ...escapes) {
  let next = { ...style };
  for (const parameters of escapes) next = applied(next, parameters.split(";", MOST_PARAMETERS));
  return isSameStyle(style, next) ? style : next;
}

/**
 * Writes codes into a style, or into a new one after a reset, which is far cheaper than to assign all of the old one.
 *
 * @param {Style} start
 * @param {readonly string[]} codes
 * @returns {Style}
 */
function applied(start, codes) {
  let style = start;
  for (let at = 0; at < codes.length; at++) {
    const [code = 0, ...parts] = numbersOf(codes[at] ?? "");
    const target = LONG_COLOURS.get(code);
    if (code === 0) style = { ...PLAIN };
    else if (target === undefined) Object.assign(style, effectOf(code, parts));
    else if (parts.length > 0) take(style, target, longColour(parts.length > 4 ? [2, ...parts.slice(2)] : parts));
    else {
      const rest = codes.slice(at + 1, at + 5).map(Number);
      take(style, target, longColour(rest));
      at += rest[0] === 2 ? 4 : 2;
    }
  }
  return style;
}

/** @param {string} code  a number, or some with colons between them */
function numbersOf(code) {
  return code.includes(":") ? code.split(":", MOST_PARTS).map(Number) : [Number(code)];
}

/**
 * @param {Readonly<Style>} one
 * @param {Readonly<Style>} other
 */
export function isSameStyle(one, other) {
  return one === other || /** @type {(keyof Style)[]} */ (Object.keys(PLAIN)).every((key) => one[key] === other[key]);
}

/**
 * @param {number} code
 * @param {number[]} parts  what followed it after colons: `4:0` is no underline, `4:3` a curly one
 * @returns {Partial<Style>}
 */
function effectOf(code, parts) {
  if (code === 4 && parts[0] === 0) return { underline: false };
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { bg: code - 100 + 8 };
  return EFFECTS.get(code) ?? {};
}

/** @param {number[]} parts  `5, index` or `2, red, green, blue` */
function longColour([kind, first = NaN, second = NaN, third = NaN]) {
  if (kind === 5) return indexedColour(first);
  return kind === 2 ? rgbColour(first, second, third) : null;
}

/**
 * @param {Style} style
 * @param {string | null} target
 * @param {Colour | null} colour
 */
function take(style, target, colour) {
  if (colour === null) return;
  if (target === "fg") style.fg = colour;
  if (target === "bg") style.bg = colour;
}
