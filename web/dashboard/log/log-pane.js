/**
 * The lines of one attempt on the screen, from wherever they come.
 *
 * @typedef {import("./line-selection.js").Lines} Lines
 * @typedef {import("./page-loader.js").ReadLog} ReadLog
 * @typedef {object} PaneEvents
 * @property {() => void} moved  another part is in sight, or lines have come
 * @property {() => void} found  the search knows more
 * @property {(lines: Lines) => void} selected
 * @property {(error: unknown) => void} problem  lines could not be fetched
 * @property {(text: string) => void} announce
 */

import { element } from "../elements.js";
import { textOf } from "./ansi.js";
import { LineSelection, linesWithin, textsOf, writeLines } from "./line-selection.js";
import { LineStore } from "./line-store.js";
import { pageOf } from "./log-page.js";
import { LogRows } from "./log-rows.js";
import { PageLoader } from "./page-loader.js";
import { Search } from "./search.js";
import { VirtualList } from "./virtual-list.js";

/** As in log.css. */
const ROW_HEIGHT = 20;
const END_HEIGHT = 48;
/** Lines beyond what is in sight that are fetched before somebody gets there. */
const AHEAD = 200;
/** Pages kept on either side of what is in sight when others have to go. */
const KEPT_PAGES = 3;

export class LogPane {
  #store = new LineStore();
  #selection = new LineSelection();
  #events;
  #loader;
  #list;
  #rows;
  #isHitToBeSeen = false;
  #ends = new AbortController();

  /**
   * @param {object} parts
   * @param {string} parts.label  what screen readers call the region
   * @param {ReadLog} parts.read
   * @param {(line: number) => string} parts.hrefOf
   * @param {HTMLElement} parts.end  stands after the last line
   * @param {PaneEvents} parts.events
   */
  constructor({ label, read, hrefOf, end, events }) {
    this.#events = events;
    const region = { class: "log-scroller", role: "log", "aria-live": "off", "aria-label": label, tabindex: 0 };
    this.element = element("div", region);
    const invalidate = () => this.#list.invalidate();
    this.#loader = new PageLoader({ store: this.#store, read, onPage: invalidate, onProblem: events.problem });
    this.search = new Search({
      store: this.#store,
      load: (page) => this.#loader.load(page),
      onFound: () => this.#foundMore(),
      onChoice: ({ line }) => this.#seeHit(line),
    });
    const { search } = this;
    this.#rows = new LogRows({ store: this.#store, selection: this.#selection, search, hrefOf, onChange: invalidate });
    this.#list = new VirtualList(this.element, {
      rowHeight: ROW_HEIGHT,
      rows: this.#rows,
      end,
      endHeight: END_HEIGHT,
      onMove: () => this.#moved(),
    });
    this.element.addEventListener("click", (event) => this.#clicked(event));
    this.element.addEventListener("copy", (event) => this.#copied(event));
    document.addEventListener("selectionchange", () => this.#textSelected(), { signal: this.#ends.signal });
  }

  stop() {
    this.search.cancel();
    this.#list.stop();
    this.#ends.abort();
  }

  get last() {
    return this.#store.last;
  }

  get isFollowing() {
    return this.#list.isFollowing;
  }

  /** The first line in sight. */
  get top() {
    return this.#list.inSight.from;
  }

  /**
   * Says how far the log goes, before its lines come.
   *
   * @param {number} last
   * @param {number} liveFrom  the first line that comes by `put`
   */
  extendTo(last, liveFrom) {
    this.#store.extendTo(last);
    this.#loader.liveFrom = liveFrom;
    this.#list.count = this.#store.last;
  }

  /**
   * Takes live lines.
   *
   * @param {number} firstLine
   * @param {readonly string[]} lines
   */
  put(firstLine, lines) {
    this.#store.put(firstLine, lines);
    this.#loader.liveFrom = firstLine + lines.length;
    this.#list.count = this.#store.last;
    this.#list.invalidate();
    this.#trim();
    this.search.resume();
  }

  /** Fetches again what could not be fetched. */
  retry() {
    this.#loader.retry();
  }

  toEnd() {
    this.#list.toEnd();
  }

  toStart() {
    this.#list.toLine(1);
  }

  /** @param {boolean} isWrapped */
  wrap(isWrapped) {
    this.element.classList.toggle("is-wrapped", isWrapped);
    this.#list.wrap(isWrapped);
  }

  /**
   * Marks lines, as far as the log goes, and brings the first of them into sight.
   *
   * @param {Lines} wanted
   * @returns {Lines | null} what is marked; null if the log does not go that far
   */
  select(wanted) {
    const lines = linesWithin(wanted, this.last);
    if (lines === null) return null;
    this.#selection.choose(lines);
    this.#list.toLine(lines.from);
    return lines;
  }

  #moved() {
    const { from, to } = this.#list.inSight;
    if (this.last > 0) this.#loader.want(Math.max(1, from - AHEAD), Math.min(this.last, to + AHEAD));
    this.#trim();
    this.#list.width = this.#rows.longest;
    if (this.#isHitToBeSeen) this.#showHit();
    this.#events.moved();
  }

  /** Also when nothing is drawn, as in a tab that nobody sees. */
  #trim() {
    const { from, to } = this.#list.inSight;
    this.#store.trim(pageOf(from) - KEPT_PAGES, pageOf(to) + KEPT_PAGES);
  }

  #foundMore() {
    this.#list.invalidate();
    this.#events.found();
  }

  /** @param {number} line */
  #seeHit(line) {
    this.#isHitToBeSeen = true;
    this.#list.toLine(line);
  }

  /** Of a long line the hit is to be seen, not the beginning. */
  #showHit() {
    const hit = this.element.querySelector(".log-hit-current");
    if (!hit) return;
    this.#isHitToBeSeen = false;
    hit.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const control = event.target instanceof Element ? event.target.closest("a, button") : null;
    // What has the focus in a row loses it when the row goes.
    if (control) this.element.focus({ preventScroll: true });
    const number = control?.closest(".log-number");
    if (!(number instanceof HTMLElement) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    this.#selection.click(Number(number.dataset["line"]), event.shiftKey);
    const lines = /** @type {Lines} */ (this.#selection.lines);
    // Shift marks the text between two clicks, which nobody meant.
    if (event.shiftKey) getSelection()?.removeAllRanges();
    this.#list.pause();
    this.#list.invalidate();
    this.#events.announce(`${lines.from === lines.to ? "Line" : "Lines"} ${writeLines(lines)} selected`);
    this.#events.selected(lines);
  }

  /**
   * Without a text selection the chosen lines are copied.
   *
   * @param {ClipboardEvent} event
   */
  #copied(event) {
    const { lines } = this.#selection;
    if (!lines || !getSelection()?.isCollapsed) return;
    event.preventDefault();
    const texts = textsOf(lines, (line) => this.#store.line(line));
    if (texts) event.clipboardData?.setData("text/plain", texts.map(textOf).join("\n"));
    this.#events.announce(texts ? "Copied" : "Not copied: scroll through these lines first, to load them");
  }

  /** What somebody marks must not move away under the pointer. */
  #textSelected() {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !this.element.contains(selection.anchorNode)) return;
    if (!this.isFollowing) return;
    this.#list.pause();
    this.#events.moved();
  }
}
