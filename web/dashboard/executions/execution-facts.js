/** What is known of one execution beside its log. */

import { element, fill } from "../elements.js";
import { statusElement } from "../status.js";
import { absoluteText, retell, timeElement } from "../times.js";
import { durationOf } from "./duration.js";
import { fieldLabel, isWebAddress, keptFields, titleOf } from "./kept-fields.js";

/** @typedef {import("/callboard.js").Execution} Execution */

const MAX_OPEN = 6;
const LONG = 40;

export class ExecutionFacts {
  /** @type {Execution | null} */
  #execution = null;
  /** @type {HTMLTimeElement | null} */
  #time = null;
  #status = element("span", { class: "facts-status", role: "status", "aria-label": "State" });
  #times = element("span", { class: "facts-times" });
  #duration = element("span", { class: "tabular" });
  #fields = element("dl", { class: "fields" });
  #count = element("span", { class: "count" });
  #details = element("details", { class: "details" }, element("summary", {}, "Details ", this.#count), this.#fields);
  /** @param {Node} beside  shown in the same line */
  constructor(beside) {
    this.element = element(
      "div",
      { class: "facts" },
      element("div", { class: "facts-line" }, this.#status, this.#times, beside),
      this.#details,
    );
  }

  /** @param {Execution} execution */
  draw(execution) {
    if (execution.status !== this.#execution?.status) fill(this.#status, statusElement(execution.status));
    const fields = keptFields(execution).filter(({ value }) => value !== titleOf(execution));
    if (this.#execution === null) this.#details.open = fields.length <= MAX_OPEN && isWide();
    this.#execution = execution;
    this.#drawTimes(execution);
    this.#details.hidden = fields.length === 0;
    fill(this.#count, fields.length);
    const rows = fields.sort((a, b) => Number(isLong(a.value)) - Number(isLong(b.value))).map(fieldElement);
    fill(this.#fields, ...rows);
  }

  /** @param {number} now  ms since 1970 */
  tick(now) {
    if (!this.#execution) return;
    if (this.#time) retell(this.#time, now);
    const text = durationOf(this.#execution, now);
    const words = text && `${this.#execution.endTime ? "took" : "for"} ${text}`;
    if (this.#duration.textContent !== words) fill(this.#duration, words);
  }

  /** @param {Execution} execution */
  #drawTimes({ startTime, endTime, createdAt }) {
    this.#time = timeElement(startTime ?? createdAt);
    const ended = endTime ? `, ended ${absoluteText(Date.parse(endTime))}` : "";
    this.#duration.title = startTime ? `Started ${absoluteText(Date.parse(startTime))}${ended}` : "";
    fill(this.#times, element("span", {}, startTime ? "started " : "posted ", this.#time), this.#duration);
    this.tick(Date.now());
  }
}

/** @param {{name: string, value: unknown}} field */
function fieldElement({ name, value }) {
  const label = element("dt", { title: name }, fieldLabel(name));
  return element("div", { class: isLong(value) && "long" }, label, element("dd", {}, shownValue(value)));
}

/** @param {unknown} value */
function shownValue(value) {
  if (isWebAddress(value)) {
    return element("a", { href: value, rel: "noopener noreferrer", target: "_blank" }, value);
  }
  return isLong(value) ? element("pre", { tabindex: 0 }, textOf(value, 2)) : textOf(value);
}

/** @param {unknown} value */
function isLong(value) {
  return textOf(value).length > LONG && !isWebAddress(value);
}

/**
 * @param {unknown} value
 * @param {number} [indentation]
 */
function textOf(value, indentation) {
  return typeof value === "string" ? value : JSON.stringify(value, null, indentation);
}

/** Whether there is room for the details beside the log. */
function isWide() {
  return matchMedia("(min-width: 721px)").matches;
}
