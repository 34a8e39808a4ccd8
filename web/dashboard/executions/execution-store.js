/**
 * What is known of the organisation's executions: the newest version of each, newest execution first.
 *
 * @typedef {import("/callboard.js").Execution} Execution
 * @typedef {{status: string, text: string}} Filter  empty: no matter
 */

import { titleOf } from "./kept-fields.js";

/** What a page can hold and still answer at once. */
const ROOM = 500;
/** Beyond its room, so that it is not sorted for each one that comes. */
const SLACK = 100;

export class ExecutionStore {
  /** @type {Map<string, Execution>} */
  #known = new Map();
  /** @type {Execution[] | null} */
  #sorted = null;
  #room = ROOM;

  get size() {
    return this.#known.size;
  }

  /**
   * Takes in what is newer than what is known; in whatever order and however often it comes.
   *
   * @param {readonly Execution[]} executions
   * @returns {Execution[]} those that were new or newer
   */
  take(executions) {
    const changed = executions.filter(
      (execution) => (this.#known.get(execution.taskId)?.version ?? 0) < execution.version,
    );
    for (const execution of changed) {
      if (!this.#known.has(execution.taskId)) this.#sorted = null;
      this.#known.set(execution.taskId, execution);
    }
    return changed;
  }

  /**
   * Takes in what somebody asked for, and makes room for it.
   *
   * @param {readonly Execution[]} executions
   * @returns {boolean} whether any was new
   */
  takeAsked(executions) {
    const before = this.size;
    this.take(executions);
    this.#room += this.size - before;
    return this.size > before;
  }

  /**
   * Lets the oldest go when there are too many.
   *
   * @returns {boolean} whether any is gone
   */
  trim() {
    if (this.size <= this.#room + SLACK) return false;
    for (const { taskId } of this.#newestFirst().slice(this.#room)) this.#known.delete(taskId);
    this.#sorted = null;
    return true;
  }

  /**
   * @param {Filter} filter
   * @returns {Execution[]} newest first, an order that no change of state changes
   */
  select({ status, text }) {
    const wanted = text.trim().toLowerCase();
    return this.#newestFirst().filter(
      (execution) => (status === "" || execution.status === status) && (wanted === "" || matches(execution, wanted)),
    );
  }

  /**
   * How many there are in each state.
   *
   * @returns {Map<string, number>}
   */
  counts() {
    const counts = new Map();
    for (const { status } of this.#known.values()) counts.set(status, (counts.get(status) ?? 0) + 1);
    return counts;
  }

  #newestFirst() {
    this.#sorted ??= [...this.#known.values()].sort(
      (a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt) || (a.taskId < b.taskId ? 1 : -1),
    );
    return this.#sorted.map(({ taskId }) => /** @type {Execution} */ (this.#known.get(taskId)));
  }
}

/**
 * @param {Execution} execution
 * @param {string} wanted  in lower case
 */
function matches(execution, wanted) {
  return (
    execution.taskId.toLowerCase().includes(wanted) || (titleOf(execution)?.toLowerCase().includes(wanted) ?? false)
  );
}
