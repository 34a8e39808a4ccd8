/**
 * The controls above the log.
 *
 * @typedef {import("./search.js").Found} Found
 * @typedef {object} Actions
 * @property {(query: string, isCaseSensitive: boolean) => void} search  "" ends it
 * @property {(direction: 1 | -1) => void} step
 * @property {() => void} cancelSearch
 * @property {() => void} leave  back to the log
 * @property {(text: string) => boolean} goTo  a line or a range; false: there is none
 * @property {(isWrapped: boolean) => void} wrap
 * @property {() => void} download  begins it, or stops the one that runs
 */

import { drawing, element, fill, unseen } from "../elements.js";

/** People type faster than a search over a long log begins to pay. */
const TYPING_MS = 150;

const UP = "M3.5 10L8 5.5l4.5 4.5";
const DOWN = "M3.5 6L8 10.5 12.5 6";

export class Toolbar {
  #actions;
  #typing = 0;
  /** What was searched for last. */
  #searched = "";
  #query = element("input", {
    type: "search",
    class: "log-query",
    placeholder: "Search the log",
    "aria-label": "Search the log",
    autocomplete: "off",
    spellcheck: "false",
  });
  #case = toggle("Aa: match case", "Aa", () => this.search());
  #found = element("span", { class: "tabular", role: "status" });
  #progress = element("span", { class: "muted tabular" });
  #stop = element(
    "button",
    { type: "button", class: "button small", onclick: () => this.#actions.cancelSearch() },
    "Stop",
  );
  #line = element("input", {
    class: "log-line",
    placeholder: "Line",
    "aria-label": "Go to line or range, such as 120 or 120-140",
    inputmode: "numeric",
    autocomplete: "off",
  });
  #count = element("span", { class: "log-lines muted tabular" });
  #download;

  /** @param {Actions} actions */
  constructor(actions) {
    this.#actions = actions;
    this.#download = element("button", { type: "button", class: "button small", onclick: () => actions.download() });
    const wrap = toggle("Wrap long lines", "Wrap", (isPressed) => actions.wrap(isPressed));
    this.element = element(
      "div",
      { class: "log-bar" },
      this.#searchForm(),
      element("span", { class: "log-tools" }, this.#count, this.#lineForm(), wrap, this.#download),
    );
    this.#stop.hidden = true;
    this.downloading(null);
  }

  focusSearch() {
    this.#query.focus();
    this.#query.select();
  }

  /** Whether the search field has the focus. */
  get isSearchFocused() {
    return document.activeElement === this.#query;
  }

  /**
   * @param {Found} found
   * @param {boolean} isSearching  there is something to search for
   */
  showFound({ total, place, progress, isRunning, problem }, isSearching) {
    const isLong = isRunning && progress < 1;
    this.#stop.hidden = !isLong;
    fill(this.#progress, isLong && `${Math.floor(progress * 100)} %`);
    // Screen readers wait for the result.
    this.#found.setAttribute("aria-busy", String(isRunning));
    const text = problem ? "The search was interrupted" : countOf(place, total);
    if (this.#found.textContent !== (isSearching ? text : "")) fill(this.#found, isSearching && text);
  }

  /** @param {number} count */
  showLines(count) {
    fill(this.#count, count === 1 ? "1 line" : `${count.toLocaleString("en")} lines`);
  }

  /** @param {number | null} share  0 to 1; null: no download runs */
  downloading(share) {
    const text = share === null ? "Download" : `Stop · ${Math.floor(share * 100)} %`;
    fill(this.#download, text, share === null && unseen(" raw log"));
    this.#download.title = share === null ? "The whole log as it was written, escapes included" : "Stop the download";
  }

  /** Searches for what the field says. */
  search() {
    clearTimeout(this.#typing);
    this.#searched = this.#query.value;
    this.#actions.search(this.#searched, this.#case.getAttribute("aria-pressed") === "true");
  }

  #searchForm() {
    const typed = () => {
      clearTimeout(this.#typing);
      this.#typing = window.setTimeout(() => this.search(), TYPING_MS);
    };
    this.#query.addEventListener("input", typed);
    this.#query.addEventListener("keydown", (event) => this.#pressed(event));
    return element(
      "form",
      {
        class: "log-search",
        role: "search",
        "aria-label": "Log",
        onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
      },
      this.#query,
      this.#case,
      arrow("Previous match", UP, () => this.#actions.step(-1)),
      arrow("Next match", DOWN, () => this.#actions.step(1)),
      element("span", { class: "log-found" }, this.#found, this.#progress, this.#stop),
    );
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.key === "Enter") {
      if (this.#query.value !== this.#searched) this.search();
      else this.#actions.step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      this.#query.value = "";
      this.search();
      this.#actions.leave();
    } else return;
    event.preventDefault();
  }

  #lineForm() {
    const go = (/** @type {Event} */ event) => {
      event.preventDefault();
      const isThere = this.#actions.goTo(this.#line.value);
      this.#line.setAttribute("aria-invalid", String(!isThere));
      if (isThere) this.#actions.leave();
    };
    return element("form", { onsubmit: go }, this.#line);
  }
}

/**
 * @param {number} place
 * @param {number} total
 */
function countOf(place, total) {
  if (total === 0) return "No matches";
  const all = total.toLocaleString("en");
  return place === 0 ? `${all} matches` : `${place.toLocaleString("en")} of ${all}`;
}

/**
 * A button that stays pressed.
 *
 * @param {string} name
 * @param {string} text
 * @param {(isPressed: boolean) => void} act
 */
function toggle(name, text, act) {
  const press = () => {
    const isPressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isPressed));
    act(isPressed);
  };
  const button = element(
    "button",
    { type: "button", class: "button small", "aria-pressed": "false", "aria-label": name, title: name, onclick: press },
    text,
  );
  return button;
}

/**
 * @param {string} name
 * @param {string} path
 * @param {() => void} act
 */
function arrow(name, path, act) {
  return element(
    "button",
    { type: "button", class: "button small icon", "aria-label": name, title: name, onclick: act },
    drawing(path),
  );
}
