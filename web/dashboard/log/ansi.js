/**
 * What a terminal would show of one line of output. Colours and weights count; a carriage return starts the line again,
 * so that of a progress bar the last state stays; the rest (cursor moves, titles, links) is dropped without its text.
 *
 * @typedef {import("./sgr.js").Style} Style
 * @typedef {{text: string, style: Readonly<Style>}} Span
 */

import { PLAIN, restyled } from "./sgr.js";

const [BACKSPACE, RETURN, ESCAPE, DELETE] = [8, 13, 27, 127].map((code) => String.fromCharCode(code));
const C1 = `${String.fromCharCode(0x80)}-${String.fromCharCode(0x9f)}`;

/** Every control but the tab, and the separators that would break a line in two. */
const CONTROLS = `${String.fromCharCode(0)}-${BACKSPACE}\n-${String.fromCharCode(31)}${DELETE}${C1}\u2028\u2029`;
const SPECIAL = new RegExp(`[${CONTROLS}]`);

const CSI = `${ESCAPE}\\[(?<parameters>[0-?]*)[ -/]*(?<final>[@-~])`;
/** Titles, links and the like, up to their end. One without an end loses its introducer alone: no text is hidden. */
const STRING = `${ESCAPE}[\\]PX^_][^${CONTROLS}]*(?:${String.fromCharCode(7)}|${ESCAPE}\\\\)`;
const OTHER_ESCAPE = `${ESCAPE}[ -/]*[0-~]?`;
const TOKENS = new RegExp(`${CSI}|${STRING}|${OTHER_ESCAPE}|[${CONTROLS}]`, "g");
const SGR = new RegExp(`${ESCAPE}\\[([0-9:;]*)m`, "g");

/**
 * A line of 16 KiB could have 5,000 escapes, and a page a thousand such lines. After this many a line has no colours
 * any more, and the next one begins plain.
 */
const MOST_RESTYLES = 500;

/**
 * @param {string} raw
 * @param {Readonly<Style>} [start]  the style in which the line before ended
 * @returns {Span[]}
 */
export function spansOf(raw, start = PLAIN) {
  if (!SPECIAL.test(raw)) return raw === "" ? [] : [{ text: raw, style: start }];
  const line = new TerminalLine(start);
  let at = 0;
  for (const token of raw.matchAll(TOKENS)) {
    line.write(raw.slice(at, token.index));
    line.obey(token[0], token.groups?.final, token.groups?.parameters ?? "");
    at = token.index + token[0].length;
  }
  line.write(raw.slice(at));
  return line.spans;
}

/**
 * The style in which the next line begins.
 *
 * @param {string} raw
 * @param {Readonly<Style>} start
 * @returns {Readonly<Style>}
 */
export function styleAfter(raw, start) {
  if (!raw.includes(`${ESCAPE}[`)) return start;
  const escapes = [];
  for (const [, parameters = ""] of raw.matchAll(SGR)) {
    if (escapes.length === MOST_RESTYLES) return PLAIN;
    escapes.push(parameters);
  }
  return restyled(start, ...escapes);
}

/**
 * The text alone, as it is drawn, searched and copied.
 *
 * @param {string} raw
 */
export function textOf(raw) {
  if (!SPECIAL.test(raw)) return raw;
  return spansOf(raw)
    .map((span) => span.text)
    .join("");
}

class TerminalLine {
  /** @type {Span[]} */
  spans = [];
  #style;
  #restyles = 0;
  #isAtStart = false;

  /** @param {Readonly<Style>} style */
  constructor(style) {
    this.#style = style;
  }

  /** @param {string} text */
  write(text) {
    if (text === "") return;
    if (this.#isAtStart) this.spans = [];
    this.#isAtStart = false;
    const last = this.spans.at(-1);
    if (last?.style === this.#style) last.text += text;
    else this.spans.push({ text, style: this.#style });
  }

  /**
   * @param {string} token
   * @param {string | undefined} final  the letter of a control sequence
   * @param {string} parameters
   */
  obey(token, final, parameters) {
    if (final === "m" && /^[0-9:;]*$/.test(parameters)) this.#restyle(parameters);
    else if (final === "K") this.#erase(parameters);
    else if (final === "G" && Number(parameters) <= 1) this.#isAtStart = true;
    else if (token === RETURN) this.#isAtStart = true;
    else if (token === BACKSPACE) this.#takeBack();
    else if (token.length === 1) this.write(pictureOf(token.charCodeAt(0)));
  }

  /** @param {string} parameters */
  #restyle(parameters) {
    this.#restyles += 1;
    this.#style = this.#restyles > MOST_RESTYLES ? PLAIN : restyled(this.#style, parameters);
  }

  /** @param {string} parameters  "2": the whole line; "" and "0": from here to its end */
  #erase(parameters) {
    if (parameters === "2" || (this.#isAtStart && Number(parameters) === 0)) this.spans = [];
  }

  #takeBack() {
    const last = this.spans.at(-1);
    if (!last) return;
    last.text = last.text.replace(/.$/su, "");
    if (last.text === "") this.spans.pop();
  }
}

/** Bells and shifts between character sets are heard or felt, not seen; what else has no business here is shown. */
const UNSEEN = new Set([7, 14, 15, 27]);

/** @param {number} code */
function pictureOf(code) {
  if (UNSEEN.has(code) || (code >= 0x80 && code <= 0x9f)) return "";
  if (code === 127) return "\u2421";
  return code < 32 ? String.fromCharCode(0x2400 + code) : "\u2424";
}
