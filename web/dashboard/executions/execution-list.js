/** @typedef {import("/callboard.js").Execution} Execution */

import { element } from "../elements.js";
import { ExecutionRow } from "./execution-row.js";

/** The rows, one per execution, kept as long as they are shown: a change touches its own row and no other. */
export class ExecutionList {
  /** @type {Map<string, ExecutionRow>} */
  #rows = new Map();
  // Without list markers some browsers no longer call it a list.
  element = element("ol", { class: "rows", role: "list", "aria-label": "Executions" });

  /**
   * @param {readonly Execution[]} executions  in the order to show
   * @param {ReadonlySet<string>} fresh  task ids whose change is news
   */
  draw(executions, fresh) {
    this.#removeAllBut(new Set(executions.map(({ taskId }) => taskId)));
    let next = this.element.firstElementChild;
    for (const execution of executions) {
      const row = this.#rowOf(execution);
      if (fresh.has(execution.taskId)) row.flash();
      if (row.element === next) next = next.nextElementSibling;
      else this.element.insertBefore(row.element, next);
    }
  }

  /** @param {number} now  ms since 1970 */
  tick(now) {
    for (const row of this.#rows.values()) row.tick(now);
  }

  /**
   * Moves the focus by so many rows, from the row that has it, else onto the first.
   *
   * @param {number} by
   */
  moveFocus(by) {
    const links = [...this.element.querySelectorAll("a")];
    const at = links.findIndex((link) => link === document.activeElement);
    links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }

  /** @param {Execution} execution */
  #rowOf(execution) {
    const known = this.#rows.get(execution.taskId);
    if (known) {
      known.update(execution);
      return known;
    }
    const made = new ExecutionRow(execution);
    this.#rows.set(execution.taskId, made);
    return made;
  }

  /** @param {ReadonlySet<string>} wanted */
  #removeAllBut(wanted) {
    for (const [taskId, row] of this.#rows) {
      if (wanted.has(taskId)) continue;
      if (row.element.contains(document.activeElement)) this.#focusBeside(row.element);
      row.element.remove();
      this.#rows.delete(taskId);
    }
  }

  /** @param {Element} leaving  holds the focus, which would be lost with it */
  #focusBeside(leaving) {
    const beside = leaving.nextElementSibling ?? leaving.previousElementSibling;
    beside?.querySelector("a")?.focus({ preventScroll: true });
  }
}
