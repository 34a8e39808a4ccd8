/**
 * What is around every page: who, where, how the connection is.
 *
 * @typedef {import("./app.js").App} App
 * @typedef {import("./app.js").Page} Page
 */

import { connectionPill } from "./connection-pill.js";
import { element, fill, plain } from "./elements.js";
import { HOME, TOKENS } from "./router.js";
import { endedBanner } from "./ended-banner.js";
import { userMenu } from "./user-menu.js";

const PLACES = [
  { href: HOME, text: "Executions" },
  { href: TOKENS, text: "API tokens" },
];

export class Frame {
  #app;
  #onSignOut;
  #header = element("header", { class: "bar" });
  #banner;
  #main = element("main", { id: "main", tabindex: -1 });
  #announced = element("div", { class: "unseen", role: "status" });
  #pill;
  /** @type {HTMLAnchorElement[]} */
  #links = [];
  /** @type {import("./session.js").Account | null} */
  #account = null;

  /**
   * @param {App} app
   * @param {() => Promise<void>} onSignOut
   */
  constructor(app, onSignOut) {
    this.#app = app;
    this.#onSignOut = onSignOut;
    this.#pill = connectionPill(app.callboard, app.clock);
    this.#banner = endedBanner(app.callboard, this.#main);
    document.body.replaceChildren(skipLink(this.#main), this.#header, this.#banner, this.#main, this.#announced);
  }

  /** @param {string} text */
  announce(text) {
    fill(this.#announced, text);
  }

  /**
   * Shows a page in the place of the one before.
   *
   * @param {Page} page
   * @param {string} place  the part of the dashboard it belongs to, as a hash
   */
  show(page, place) {
    this.#drawHeader();
    for (const link of this.#links) {
      if (link.hash === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    fill(this.#main, page.element);
    document.title = plain(`${page.title} · Callboard`);
  }

  focusHeading() {
    scrollTo({ top: 0, behavior: "instant" });
    this.#main.querySelector("h1")?.focus({ preventScroll: true });
  }

  #drawHeader() {
    const { account } = this.#app.session;
    this.#header.hidden = account === null;
    if (account === null || account === this.#account) return;
    this.#account = account;
    this.#links = PLACES.map(({ href, text }) => element("a", { href }, text));
    fill(
      this.#header,
      element(
        "div",
        { class: "brand" },
        element(
          "a",
          { href: HOME, class: "wordmark", "aria-label": "Callboard, executions" },
          wordmark(),
          element("span", {}, "Callboard"),
        ),
        element("span", { class: "organization", title: "Organisation" }, account.organization.name),
      ),
      element("nav", { class: "places", "aria-label": "Main" }, ...this.#links),
      this.#pill,
      ...userMenu(account, this.#onSignOut),
    );
  }
}

function wordmark() {
  return element("img", { src: "/dashboard/mark.svg", alt: "", width: 24, height: 24 });
}

/**
 * The hash of the address is a route, so this is no ordinary link to a part of the page.
 *
 * @param {HTMLElement} main
 */
function skipLink(main) {
  const skip = (/** @type {Event} */ event) => {
    event.preventDefault();
    main.focus();
  };
  return element("a", { class: "skip", href: "#main", onclick: skip }, "Skip to content");
}
