/**
 * Makes elements. Text only ever becomes text nodes, so nothing that an API answers can become markup.
 *
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes
 */

const SVG = "http://www.w3.org/2000/svg";
/** Characters that nobody sees and that turn the order of what is read around. */
const TURNING = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;
const READ_BY_PEOPLE = new Set(["title", "aria-label", "placeholder"]);

/**
 * An element with attributes and children. A function under `onclick`, `onsubmit`, ... becomes a listener; `true` an
 * attribute without a value; `false`, `null` and `undefined` nothing.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (READ_BY_PEOPLE.has(name) && typeof value === "string") made.setAttribute(name, plain(value));
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...shown(children));
  return made;
}

/**
 * Text that reads in the order in which it is written: `<U+202E>` stands for a character that would turn it around.
 *
 * @param {string} text
 */
export function plain(text) {
  return text.replace(TURNING, (turning) => {
    const code = turning.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
    return `<U+${code}>`;
  });
}

/**
 * Puts these children, and no others, into `parent`.
 *
 * @param {Element} parent
 * @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren(...shown(children));
}

/**
 * Text for screen readers alone.
 *
 * @param {string} text
 */
export function unseen(text) {
  return element("span", { class: "unseen" }, text);
}

/**
 * A small picture of lines, 16 by 16, in the colour of the text around it; screen readers pass over it.
 *
 * @param {string} path  SVG path data
 * @param {string} [className]
 */
export function drawing(path, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `drawing ${className}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
function shown(children) {
  return children
    .filter((child) => child != null && child !== false)
    .map((child) => (child instanceof Node ? child : plain(String(child))));
}
