/**
 * The organisation's executions, newest first, as they change.
 *
 * @typedef {import("/callboard.js").Execution} Execution
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 * @typedef {import("./execution-store.js").Filter} Filter
 */

import { element, fill } from "../elements.js";
import { problemText } from "../problem-text.js";
import { rewriteAddress, routeTo } from "../router.js";
import { STATUSES, lookOf } from "../status.js";
import { ExecutionList } from "./execution-list.js";
import { ExecutionStore } from "./execution-store.js";
import { firstRun } from "./first-run.js";
import { OlderPages } from "./older-pages.js";
import { StateFilter } from "./state-filter.js";

const SNAPSHOT = 100;

/**
 * @implements {Page}
 */
export class ExecutionsPage {
  title = "Executions";
  #app;
  #store = new ExecutionStore();
  #list = new ExecutionList();
  #states = new StateFilter();
  #older;
  /** @type {Filter} */
  #filter = { status: "", text: "" };
  #isLoaded = false;
  /** @type {Set<string>} states whose older executions were asked for unbidden */
  #lookedBack = new Set();
  /** @type {Set<string>} */
  #fresh = new Set();
  #isDrawing = false;
  /** @type {(() => void)[]} */
  #ends = [];
  #search = element("input", {
    type: "search",
    class: "search",
    placeholder: "Filter by id or name",
    "aria-label": "Filter by id or name",
    "aria-keyshortcuts": "/",
    oninput: () => this.#filterText(),
  });
  #aside = element("div", { class: "list-aside" });
  #more = element("button", { class: "button", type: "button", onclick: () => this.#loadOlder() }, "Load older");
  #extent = element("p", { class: "hint" });
  #moreProblem = element("div", { role: "alert" });

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    this.#older = new OlderPages(app.callboard);
    this.element = element(
      "div",
      { class: "page" },
      element("header", { class: "page-head" }, element("h1", { tabindex: -1 }, "Executions"), this.#search),
      this.#states.element,
      this.#aside,
      this.#list.element,
      element("div", { class: "list-foot" }, this.#moreProblem, this.#extent, this.#more),
    );
    const following = app.callboard.followExecutions((all, changed) => this.#heard(all, changed), { limit: SNAPSHOT });
    this.#ends.push(
      () => following.stop(),
      app.clock.every((now) => this.#list.tick(now)),
      this.#listenToKeys(),
    );
  }

  /** @param {import("../router.js").Route} route */
  show({ query }) {
    const status = query.get("status") ?? "";
    this.#filter = { status: STATUSES.some((known) => known === status) ? status : "", text: query.get("text") ?? "" };
    if (this.#search.value !== this.#filter.text) this.#search.value = this.#filter.text;
    this.#draw();
  }

  stop() {
    this.#app.listAddress = routeTo(["executions"], this.#filter);
    for (const end of this.#ends) end();
  }

  /**
   * @param {readonly Execution[]} all
   * @param {Execution | null} changed
   */
  #heard(all, changed) {
    if (!this.#isLoaded && all.length < SNAPSHOT) this.#older.markComplete();
    const news = this.#store.take(changed ? [changed] : all);
    if (this.#isLoaded) for (const { taskId } of news) this.#fresh.add(taskId);
    // A whole snapshot of news: between it and what was known there may be more.
    if (this.#isLoaded && changed === null && news.length >= SNAPSHOT) this.#older.reopen();
    this.#isLoaded = true;
    if (this.#store.trim()) {
      this.#older.reopen();
      this.#fresh.clear();
    }
    this.#drawSoon();
  }

  /** However much comes at once, it is drawn once per frame, and not at all while nobody can see it. */
  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#draw();
    });
  }

  #draw() {
    const shown = this.#store.select(this.#filter);
    this.#list.draw(shown, this.#fresh);
    this.#fresh.clear();
    const isAll = (/** @type {string} */ status) => this.#older.isAtEnd(status);
    this.#states.draw(this.#filter, this.#store.counts(), { total: this.#store.size, isAll });
    this.#list.element.hidden = shown.length === 0;
    this.#states.element.hidden = this.#search.hidden = this.#isLoaded && this.#store.size === 0;
    this.#more.hidden = !this.#isLoaded || this.#older.isAtEnd(this.#filter.status);
    this.#extent.hidden = this.#more.hidden;
    const extent = `Counts and filters cover the ${this.#store.size} executions loaded here.`;
    if (this.#extent.textContent !== extent) fill(this.#extent, extent);
    this.#drawAside(shown.length);
    if (shown.length === 0) this.#lookBack();
  }

  /** When none of a state is loaded, the last of them are somewhere further back. */
  #lookBack() {
    const { status } = this.#filter;
    if (!this.#isLoaded || status === "" || this.#older.isAtEnd(status) || this.#lookedBack.has(status)) return;
    this.#lookedBack.add(status);
    void this.#loadOlder();
  }

  /**
   * What stands in the place of rows.
   *
   * @param {number} rows
   */
  #drawAside(rows) {
    const wanted = !this.#isLoaded
      ? "loading"
      : rows > 0
        ? ""
        : this.#store.size === 0
          ? "first-run"
          : this.#nothingText();
    if (this.#aside.dataset.shows === wanted) return;
    this.#aside.dataset.shows = wanted;
    if (wanted === "") fill(this.#aside);
    else if (wanted === "loading") fill(this.#aside, skeleton());
    else if (wanted === "first-run") fill(this.#aside, firstRun(this.#app.session));
    else fill(this.#aside, nothing(wanted, this.#filter.text.trim()));
  }

  #nothingText() {
    const { status, text } = this.#filter;
    const state = status === "" ? "" : `${lookOf(status).word.toLowerCase()} `;
    const match = text.trim() === "" ? "" : ` with “${text.trim()}” in its id or name`;
    return `No ${state}execution${match}${this.#older.isAtEnd(status) ? "" : " among those loaded"}.`;
  }

  #filterText() {
    this.#filter = { ...this.#filter, text: this.#search.value };
    rewriteAddress(routeTo(["executions"], this.#filter));
    this.#draw();
  }

  async #loadOlder() {
    if (this.#more.ariaDisabled === "true") return;
    fill(this.#moreProblem);
    const before = this.#store.size;
    this.#more.ariaDisabled = "true";
    try {
      await this.#older.load(this.#filter.status, (page) => this.#store.takeAsked(page), before);
      const loaded = this.#store.size - before;
      this.#app.announce(loaded === 0 ? "There is nothing older." : `${loaded} older executions loaded.`);
    } catch (error) {
      fill(this.#moreProblem, element("p", { class: "notice bad" }, problemText(error)));
    } finally {
      this.#more.ariaDisabled = null;
      this.#draw();
    }
  }

  #listenToKeys() {
    return this.#app.keys.on({
      "/": () => this.#search.select(),
      j: () => this.#list.moveFocus(1),
      k: () => this.#list.moveFocus(-1),
      ArrowDown: () => this.#arrow(1),
      ArrowUp: () => this.#arrow(-1),
    });
  }

  /**
   * Elsewhere on the page arrows scroll, as ever.
   *
   * @param {number} by
   */
  #arrow(by) {
    if (!this.#list.element.contains(document.activeElement)) return false;
    this.#list.moveFocus(by);
    return true;
  }
}

/** Rows to come; the height of rows keeps the page from jumping. */
function skeleton() {
  const rows = Array.from({ length: 6 }, () => element("div", { class: "row skeleton" }));
  return element("div", { class: "rows", role: "status", "aria-label": "Loading executions" }, ...rows);
}

/**
 * @param {string} text
 * @param {string} wanted  what was looked for; it may be the id of one that is not loaded
 */
function nothing(text, wanted) {
  const direct = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/.test(wanted);
  return element(
    "div",
    { class: "nothing", role: "status" },
    element("p", {}, text),
    direct && element("a", { href: routeTo(["executions", wanted]) }, `Open the execution with the id “${wanted}”`),
    element("a", { class: "button", href: routeTo(["executions"]) }, "Clear filters"),
  );
}
