/** @typedef {import("/callboard.js").Execution} Execution */

import { durationText } from "../times.js";
import { lookOf } from "../status.js";

/**
 * How long it took, or has taken so far; empty when it has not begun.
 *
 * @param {Execution} execution
 * @param {number} now  ms since 1970
 */
export function durationOf({ startTime, endTime, status }, now) {
  if (!startTime) return "";
  const start = Date.parse(startTime);
  if (endTime) return durationText(Date.parse(endTime) - start);
  return lookOf(status).isFinal ? "" : durationText(now - start, { whole: true });
}
