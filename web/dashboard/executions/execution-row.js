/** @typedef {import("/callboard.js").Execution} Execution */

import { element, fill, unseen } from "../elements.js";
import { routeTo } from "../router.js";
import { statusElement } from "../status.js";
import { retell, timeElement } from "../times.js";
import { durationOf } from "./duration.js";
import { chipsOf, titleOf } from "./kept-fields.js";

/** One line of the list; the whole of it is a link. It draws again only what a newer version may have changed. */
export class ExecutionRow {
  #execution;
  #link;
  #duration = element("span", { class: "row-duration" });
  /** @type {HTMLTimeElement | null} */
  #time = null;

  /** @param {Execution} execution */
  constructor(execution) {
    this.#execution = execution;
    this.#link = element("a", { class: "row", href: routeTo(["executions", execution.taskId]) });
    this.element = element("li", {}, this.#link);
    this.#draw();
  }

  /**
   * @param {Execution} execution
   * @returns {boolean} whether anything is new
   */
  update(execution) {
    if (execution.version === this.#execution.version) return false;
    this.#execution = execution;
    this.#draw();
    return true;
  }

  /** Draws the eye to a change, once. */
  flash() {
    this.element.classList.remove("changed");
    // Reading a size makes the browser forget the old animation, so that the new one begins.
    void this.element.offsetWidth;
    this.element.classList.add("changed");
  }

  focus() {
    this.#link.focus();
  }

  /** @param {number} now  ms since 1970 */
  tick(now) {
    if (this.#time) retell(this.#time, now);
    const text = durationOf(this.#execution, now);
    const shown = this.#duration.lastChild?.textContent ?? "";
    if (shown !== text) fill(this.#duration, text && unseen("took "), text);
  }

  #draw() {
    const { taskId, status, attempt, startTime, createdAt } = this.#execution;
    const title = titleOf(this.#execution);
    this.#time = timeElement(startTime ?? createdAt);
    const chips = chipsOf(this.#execution).map(({ name, value }) =>
      element("span", { class: "chip", title: `${name}: ${value}` }, unseen(`${name} `), value),
    );
    fill(
      this.#link,
      statusElement(status),
      element(
        "span",
        { class: "row-name" },
        element("span", { class: title ? "row-title" : "row-title mono" }, title ?? taskId),
        title && element("span", { class: "row-id mono" }, taskId),
      ),
      element("span", { class: "row-chips" }, attempt > 1 && attemptChip(attempt), ...chips),
      element("span", { class: "row-started" }, unseen(startTime ? "started " : "posted "), this.#time),
      this.#duration,
    );
    this.tick(Date.now());
  }
}

/** @param {number} attempt */
function attemptChip(attempt) {
  return element("span", { class: "chip strong" }, `Attempt ${attempt}`);
}
