/** @typedef {import("./app.js").Page} Page */

import { element } from "./elements.js";
import { HOME } from "./router.js";

/** @implements {Page} */
export class MissingPage {
  title = "Nothing here";
  element = element(
    "div",
    { class: "page" },
    element("h1", { tabindex: -1 }, "Nothing here"),
    element(
      "div",
      { class: "nothing" },
      element("p", {}, "There is no such page in this dashboard."),
      element("a", { class: "button", href: HOME }, "All executions"),
    ),
  );

  show() {}

  stop() {}
}
