/** Leads from one attempt's log to another's. */

import { element, fill } from "../elements.js";
import { routeTo } from "../router.js";

/** Beyond that many a list is no help; older ones are reached by their address. */
const MOST = 50;

export class AttemptPicker {
  #taskId;
  #shown = "";
  #select = element("select", { "aria-label": "Attempt", onchange: () => this.#go() });
  element = element("label", { class: "attempts" }, this.#select);

  /** @param {string} taskId */
  constructor(taskId) {
    this.#taskId = taskId;
  }

  /**
   * @param {number} newest
   * @param {number | null} chosen  null: whichever is the newest
   */
  draw(newest, chosen) {
    this.element.hidden = newest === 1 && chosen === null;
    if (this.#shown === `${newest} ${chosen}`) return;
    this.#shown = `${newest} ${chosen}`;
    const numbers = Array.from({ length: Math.min(MOST, newest) }, (_, index) => newest - index);
    if (chosen !== null && !numbers.includes(chosen)) numbers.push(chosen);
    const latest = element("option", { value: "", selected: chosen === null }, `Latest attempt (${newest})`);
    const others = numbers.map((number) =>
      element("option", { value: number, selected: number === chosen }, `Attempt ${number}`),
    );
    fill(this.#select, latest, ...others);
  }

  #go() {
    const path = this.#select.value === "" ? [] : [this.#select.value];
    location.hash = routeTo(["executions", this.#taskId, ...path]);
  }
}
