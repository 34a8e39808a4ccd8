/** The look of the pages before one is in. */

import { element } from "../elements.js";

/**
 * @param {string} title
 * @param {HTMLFormElement} form
 * @param {Node} below
 */
export function doorway(title, form, below) {
  return element(
    "div",
    { class: "doorway" },
    element("img", { class: "mark", src: "/dashboard/mark.svg", alt: "", width: 40, height: 40 }),
    element("h1", { tabindex: -1 }, title),
    element("div", { class: "card" }, form),
    below,
  );
}
