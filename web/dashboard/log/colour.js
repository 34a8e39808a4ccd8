/**
 * Colours of terminals.
 *
 * @typedef {number | string} Colour  0 to 15: one of the palette, which follows the theme; else "#rrggbb"
 */

/** The palette under coloured backgrounds, where it must not follow the theme: a QR code stays one. */
const PALETTE = [
  ["#1c1c22", "#c43c3c", "#2e9a4f", "#b08a1e", "#2f6fd6", "#a347ba", "#1f97a8", "#c9c9d1"],
  ["#6e6e7a", "#ee6a6a", "#5fcf83", "#e8c355", "#6ea4f5", "#d284e4", "#5ccbda", "#ffffff"],
].flat();

const DARK = "#101014";
const LIGHT = "#ffffff";

/** Below this ratio a text on a background is not readable, and whoever chose the two meant something else. */
const READABLE = 3;

const CUBE = [0, 95, 135, 175, 215, 255];

/**
 * A colour of the 256: 16 of the palette, a cube of 216, 24 greys.
 *
 * @param {number} index
 * @returns {Colour | null} null if there is none of that number
 */
export function indexedColour(index) {
  if (!Number.isInteger(index) || index < 0 || index > 255) return null;
  if (index < 16) return index;
  if (index >= 232) return rgbColour(...grey(8 + (index - 232) * 10));
  const place = index - 16;
  return rgbColour(level(place / 36), level((place / 6) % 6), level(place % 6));
}

/**
 * @param {number} red
 * @param {number} green
 * @param {number} blue  each 0 to 255
 * @returns {string | null} null if one of them is none
 */
export function rgbColour(red, green, blue) {
  const parts = [red, green, blue];
  if (!parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)) return null;
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The same colour in both themes.
 *
 * @param {Colour} colour
 * @returns {string} "#rrggbb"
 */
export function fixedColour(colour) {
  return typeof colour === "number" ? (PALETTE[colour] ?? DARK) : colour;
}

/**
 * A text colour for a background: the one that was asked for if it can be read there, else dark or light.
 *
 * @param {Colour} background
 * @param {Colour | null} wanted
 * @returns {string} "#rrggbb"
 */
export function textColourOn(background, wanted) {
  const below = fixedColour(background);
  if (wanted !== null && contrast(fixedColour(wanted), below) >= READABLE) return fixedColour(wanted);
  return contrast(DARK, below) > contrast(LIGHT, below) ? DARK : LIGHT;
}

/**
 * The contrast ratio of WCAG, 1 to 21.
 *
 * @param {string} one  "#rrggbb"
 * @param {string} other
 */
export function contrast(one, other) {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** @param {string} colour */
function luminance(colour) {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * @param {number} value
 * @returns {[number, number, number]}
 */
function grey(value) {
  return [value, value, value];
}

/** @param {number} step */
function level(step) {
  return CUBE[Math.floor(step)] ?? 0;
}
