/**
 * One execution as it goes, and its log.
 *
 * @typedef {import("/callboard.js").Execution} Execution
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 */

import { copyButton } from "../copy-button.js";
import { element, fill, plain } from "../elements.js";
import { LogView } from "../log/log-view.js";
import { problemText, statusOf } from "../problem-text.js";
import { HOME, rewriteAddress, routeTo } from "../router.js";
import { lookOf, showInFavicon } from "../status.js";
import { AttemptPicker } from "./attempt-picker.js";
import { ExecutionFacts } from "./execution-facts.js";
import { titleOf } from "./kept-fields.js";

/** In ms: all pages are told at the same moment that there is more to fetch. */
const RESET_SPREAD = 1_000;

/** @implements {Page} */
export class ExecutionPage {
  #app;
  #taskId;
  /** @type {number | null} */
  #attempt;
  /** @type {Execution | null} */
  #execution = null;
  /** @type {LogView | null} */
  #log = null;
  /** @type {string | null} */
  #line = null;
  /** @type {(() => void)[]} */
  #ends = [];
  #isStopped = false;
  #picker;
  #facts;
  #heading = element("h1", { tabindex: -1 });
  #id = element("p", { class: "task-id" });
  #notice = element("div", { class: "page-notice" });
  #logPlace = element("section", { class: "log-place", "aria-label": "Log" });

  /**
   * @param {App} app
   * @param {string} taskId
   * @param {number | null} attempt  null: whichever is the newest
   */
  constructor(app, taskId, attempt) {
    this.#app = app;
    this.#taskId = taskId;
    this.#attempt = attempt;
    this.title = taskId;
    this.#picker = new AttemptPicker(taskId);
    this.#facts = new ExecutionFacts(this.#picker.element);
    fill(this.#heading, taskId);
    const back = element(
      "nav",
      { class: "breadcrumb", "aria-label": "Breadcrumb" },
      element("a", { href: app.listAddress }, "Executions"),
    );
    const head = element("header", {}, back, this.#heading, this.#id, this.#facts.element);
    this.element = element("div", { class: "page one" }, head, this.#notice, this.#logPlace);
    this.#facts.element.hidden = true;
    this.#logPlace.addEventListener("line-selected", (event) => this.#selected(/** @type {CustomEvent} */ (event)));
    this.#follow();
  }

  /** @param {import("../router.js").Route} route */
  show({ query }) {
    const line = query.get("line");
    if (line === this.#line) return;
    this.#line = line;
    if (this.#execution) this.#openLog();
  }

  stop() {
    this.#isStopped = true;
    this.#log?.stop();
    for (const end of this.#ends) end();
    showInFavicon(null);
  }

  #follow() {
    const { callboard, clock, keys } = this.#app;
    const load = () => void this.#load();
    this.#ends.push(
      callboard.on("execution-updated", ({ data }) => data.taskId === this.#taskId && this.#take(data)),
      callboard.on("connected", load),
      callboard.on("reset", ({ channel }) => channel === "org" && setTimeout(load, Math.random() * RESET_SPREAD)),
      clock.every((now) => this.#facts.tick(now)),
      keys.on({ "/": () => this.#log?.focusSearch() }),
    );
    load();
  }

  async #load() {
    try {
      const answer = await this.#app.callboard.fetch(`/producer/executions/${encodeURIComponent(this.#taskId)}`);
      this.#take(await answer.json());
    } catch (error) {
      // What is shown stays; the connection's pill says that it may be old.
      if (!this.#isStopped && this.#execution === null) this.#showProblem(error);
    }
  }

  /** @param {Execution} execution */
  #take(execution) {
    const known = this.#execution;
    if (this.#isStopped || (known && known.version >= execution.version)) return;
    this.#execution = execution;
    this.#draw(execution);
    if (known === null) this.#openLog();
    else if (this.#isEndOf(known, execution)) this.#log?.finished(execution.status);
  }

  /**
   * Whether the attempt whose log is shown has ended between the two.
   *
   * @param {Execution} before
   * @param {Execution} after
   */
  #isEndOf(before, after) {
    const isShown = this.#attempt === null || this.#attempt === after.attempt;
    const wasOver = lookOf(before.status).isFinal && before.attempt === after.attempt;
    return isShown && lookOf(after.status).isFinal && !wasOver;
  }

  /** @param {Execution} execution */
  #draw(execution) {
    const { taskId, status, attempt } = execution;
    const title = titleOf(execution);
    const isOther = this.#attempt !== null && this.#attempt !== attempt;
    fill(this.#heading, title ?? taskId);
    if (!this.#id.hasChildNodes()) {
      const code = element("code", {}, taskId);
      fill(this.#id, code, copyButton(taskId, code, "id"));
    }
    this.#facts.element.hidden = false;
    this.#facts.draw(execution);
    this.#picker.draw(attempt, this.#attempt);
    fill(this.#notice, isOther && otherAttemptNotice(taskId, this.#attempt ?? 0, attempt));
    this.title = `${lookOf(status).word} · ${title ?? taskId}`;
    document.title = plain(`${this.title} · Callboard`);
    showInFavicon(status);
  }

  #openLog() {
    this.#log?.stop();
    fill(this.#logPlace);
    const { callboard } = this.#app;
    this.#log = new LogView(this.#logPlace, {
      callboard,
      taskId: this.#taskId,
      attempt: this.#attempt,
      line: this.#line,
    });
    this.#log.start();
    const { status, attempt } = /** @type {Execution} */ (this.#execution);
    // How an earlier attempt ended is not kept.
    if (this.#attempt !== null && this.#attempt < attempt) this.#log.finished(null);
    else if (lookOf(status).isFinal) this.#log.finished(status);
  }

  /** @param {CustomEvent<{from: number, to: number}>} event */
  #selected({ detail: { from, to } }) {
    this.#line = from === to ? String(from) : `${from}-${to}`;
    const path = ["executions", this.#taskId, ...(this.#attempt === null ? [] : [this.#attempt])];
    rewriteAddress(routeTo(path, { line: this.#line }));
  }

  /** @param {unknown} error */
  #showProblem(error) {
    if (statusOf(error) === 404 || statusOf(error) === 422) {
      fill(this.#heading, "No such execution");
      this.title = "No such execution";
      fill(this.#notice, notFound(this.#taskId));
    } else {
      const again = element("button", { type: "button", class: "button", onclick: () => this.#load() }, "Try again");
      fill(this.#notice, element("div", { class: "notice bad", role: "alert" }, problemText(error), " ", again));
    }
    document.title = plain(`${this.title} · Callboard`);
  }
}

/**
 * @param {string} taskId
 * @param {number} chosen
 * @param {number} newest
 */
function otherAttemptNotice(taskId, chosen, newest) {
  const latest = element("a", { href: routeTo(["executions", taskId]) }, "See the latest");
  const text =
    chosen < newest
      ? `This is the log of attempt ${chosen}. State and times are of attempt ${newest}. `
      : `Attempt ${chosen} has not begun. State and times are of attempt ${newest}. `;
  return element("p", { class: "notice" }, text, latest);
}

/** @param {string} taskId */
function notFound(taskId) {
  return element(
    "div",
    { class: "nothing" },
    element("p", {}, "There is no execution ", element("code", {}, taskId), " in your organisation."),
    element("p", { class: "muted" }, "It may belong to another organisation, or nobody has posted it yet."),
    element("a", { class: "button", href: HOME }, "All executions"),
  );
}
