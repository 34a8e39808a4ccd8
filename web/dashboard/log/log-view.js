/**
 * The log of an execution: its end first, live; older lines when somebody looks at them or searches.
 *
 * @typedef {import("./line-selection.js").Lines} Lines
 * @typedef {import("./log-source.js").LogClient} LogClient
 * @typedef {object} LogOptions
 * @property {LogClient} callboard
 * @property {string} taskId
 * @property {number | null} [attempt]  null: the newest, and those that begin while one looks
 * @property {string | number | null} [line]  what to open at, "120" or "120-140"; else the end
 */

import { element, fill } from "../elements.js";
import { problemText } from "../problem-text.js";
import { routeTo } from "../router.js";
import { LogDownload } from "./download.js";
import { JumpButton } from "./jump-button.js";
import { actOnKey } from "./keyboard.js";
import { readLines } from "./line-selection.js";
import { LogPane } from "./log-pane.js";
import { findEnd, readerOf } from "./log-source.js";
import { endOfLog, LogNotice } from "./notice.js";
import { Toolbar } from "./toolbar.js";

/** Lines before the end that come with the live ones: more than a screen of them, and soon here if they are long. */
const TAIL_LINES = 200;

/** Raises `line-selected` `{from, to}` on its container when somebody chooses lines. */
export class LogView {
  #container;
  #callboard;
  #taskId;
  #fixedAttempt;
  #attempt = 0;
  /** @type {Lines | null} */
  #line;
  /** @type {LogPane | null} */
  #pane = null;
  /** @type {(() => void)[]} */
  #ends = [];
  #isStopped = false;
  /** @type {string | null | undefined} undefined: it goes on */
  #finished = undefined;
  #isWrapped = false;
  #download = new LogDownload({ onProgress: (share) => this.#toolbar.downloading(share) });
  #toolbar = new Toolbar({
    search: (query, isCaseSensitive) => this.#search(query, isCaseSensitive),
    step: (direction) => this.#pane?.search.step(direction),
    cancelSearch: () => this.#cancelSearch(),
    leave: () => this.#pane?.element.focus(),
    goTo: (text) => this.#goTo(text),
    wrap: (isWrapped) => this.#wrap(isWrapped),
    download: () => void this.#downloadAll(),
  });
  #notice = new LogNotice();
  #jump = new JumpButton(() => this.#toEnd());
  #spoken = element("div", { role: "status", class: "unseen" });
  #end = element("div", { class: "log-end muted" });
  #body = element("div", { class: "log-body" }, this.#notice.element, this.#jump.element);
  #element = element("div", { class: "log" }, this.#toolbar.element, this.#body, this.#spoken);

  /**
   * @param {HTMLElement} container
   * @param {LogOptions} options
   */
  constructor(container, { callboard, taskId, attempt = null, line = null }) {
    this.#container = container;
    this.#callboard = callboard;
    this.#taskId = taskId;
    this.#fixedAttempt = attempt;
    this.#line = readLines(line);
    this.#element.addEventListener("keydown", (event) => actOnKey(event, this.#toolbar, this.#pane));
  }

  start() {
    this.#container.append(this.#element);
    this.#ends.push(this.#callboard.on("connected", () => this.#notice.act()));
    void this.#open();
  }

  stop() {
    this.#isStopped = true;
    this.#download.stop();
    this.#pane?.stop();
    for (const end of this.#ends) end();
    this.#element.remove();
  }

  /**
   * The attempt is over: no more output is waited for.
   *
   * @param {string | null} status  its last state, null if that is not known
   */
  finished(status) {
    this.#finished = status;
    this.#drawEnd();
  }

  focusSearch() {
    this.#toolbar.focusSearch();
  }

  async #open() {
    this.#notice.say("Loading the log…");
    try {
      const { attempt, last } = await findEnd(this.#callboard, this.#taskId, this.#fixedAttempt);
      if (!this.#isStopped) this.#follow(attempt, last);
    } catch (error) {
      if (!this.#isStopped) this.#notice.offer(problemText(error), "Try again", () => void this.#open());
    }
  }

  /**
   * @param {number} attempt
   * @param {number} last
   */
  #follow(attempt, last) {
    const after = Math.max(0, last - TAIL_LINES);
    const pane = this.#show(attempt);
    pane.extendTo(last, after + 1);
    this.#jump.begin(last);
    if (this.#line) pane.select(this.#line);
    const following = this.#callboard.followLog(this.#taskId, (chunk) => this.#take(chunk), {
      ...(this.#fixedAttempt === null ? {} : { attempt }),
      after,
      onRestart: (next) => this.#restart(next),
    });
    this.#ends.push(() => following.stop());
    this.#drawEnd();
  }

  /** @param {import("./log-source.js").LogChunk} chunk */
  #take({ attempt, firstLine, lines }) {
    if (attempt !== this.#attempt) this.#restart(attempt);
    const wasEmpty = this.#pane?.last === 0;
    this.#pane?.put(firstLine, lines);
    if (wasEmpty) this.#drawEnd();
  }

  /** @param {number} attempt  one that has just begun */
  #restart(attempt) {
    if (attempt === this.#attempt) return;
    this.#finished = undefined;
    this.#jump.begin(0);
    this.#show(attempt);
    this.#drawEnd();
    this.#toolbar.search();
    this.#announce(`Attempt ${attempt} has begun`);
  }

  /**
   * Makes room for the lines of an attempt.
   *
   * @param {number} attempt
   */
  #show(attempt) {
    this.#pane?.stop();
    this.#pane?.element.remove();
    this.#attempt = attempt;
    const pane = new LogPane({
      label: `Log of ${this.#taskId}, attempt ${attempt}`,
      read: readerOf(this.#callboard, this.#taskId, attempt),
      hrefOf: (line) => routeTo(["executions", this.#taskId, attempt], { line }),
      end: this.#end,
      events: {
        moved: () => this.#moved(),
        found: () => this.#foundMore(),
        selected: (lines) => this.#selected(lines),
        problem: (error) => this.#failed(error),
        announce: (text) => this.#announce(text),
      },
    });
    this.#pane = pane;
    this.#body.prepend(pane.element);
    pane.wrap(this.#isWrapped);
    return pane;
  }

  #moved() {
    const pane = /** @type {LogPane} */ (this.#pane);
    const { last, isFollowing } = pane;
    this.#toolbar.showLines(last);
    if (this.#jump.draw(last, isFollowing)) this.#announce(isFollowing ? "Following the end" : "Paused");
  }

  #toEnd() {
    this.#pane?.toEnd();
    this.#pane?.element.focus();
  }

  /** What stands where the lines end, or instead of them. */
  #drawEnd() {
    fill(this.#end, ...endOfLog(this.#finished));
    if (this.#pane === null) return;
    if (this.#pane.last > 0) this.#notice.hide();
    else this.#notice.say(this.#finished === undefined ? "No output yet" : "This run wrote nothing");
  }

  /** @param {unknown} error */
  #failed(error) {
    const again = () => {
      this.#notice.hide();
      this.#pane?.retry();
    };
    this.#notice.offer(`Some lines could not be loaded. ${problemText(error)}`, "Try again", again);
  }

  /**
   * @param {string} query
   * @param {boolean} isCaseSensitive
   */
  #search(query, isCaseSensitive) {
    const pane = this.#pane;
    if (!pane || this.#isStopped) return;
    pane.search.begin(query, { isCaseSensitive, from: pane.search.current?.line ?? pane.top });
    this.#foundMore();
  }

  #cancelSearch() {
    this.#pane?.search.cancel();
    this.#foundMore();
  }

  #foundMore() {
    const { search } = /** @type {LogPane} */ (this.#pane);
    this.#toolbar.showFound(search.found, search.pattern !== null);
  }

  /** @param {string} text */
  #goTo(text) {
    const wanted = readLines(text);
    const lines = wanted && this.#pane?.select(wanted);
    if (lines) this.#selected(lines);
    else this.#announce("There is no such line");
    return Boolean(lines);
  }

  /** @param {Lines} lines */
  #selected(lines) {
    this.#container.dispatchEvent(new CustomEvent("line-selected", { detail: lines }));
  }

  /** @param {boolean} isWrapped */
  #wrap(isWrapped) {
    this.#isWrapped = isWrapped;
    this.#pane?.wrap(isWrapped);
  }

  async #downloadAll() {
    if (!this.#pane) return;
    const read = readerOf(this.#callboard, this.#taskId, this.#attempt);
    const name = `${this.#taskId}-${this.#attempt}.log`;
    const problem = await this.#download.toggle(read, this.#pane.last, name);
    if (problem) this.#announce(`The download failed. ${problemText(problem)}`);
  }

  /** @param {string} text */
  #announce(text) {
    fill(this.#spoken, text);
  }
}
