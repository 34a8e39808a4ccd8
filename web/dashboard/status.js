/** The states of an execution: a word, a picture and a colour for each, never the colour alone. */

import { drawing, element } from "./elements.js";

/**
 * @typedef {"PENDING" | "RUNNING" | "PASSED" | "FAILED" | "ERROR" | "CANCELLED" | "LOST"} Status
 * @typedef {{word: string, tone: "neutral" | "info" | "ok" | "bad" | "warn", path: string, isFinal: boolean}} Look
 */

const CIRCLE = "M8 1.75a6.25 6.25 0 1 1 0 12.5a6.25 6.25 0 1 1 0-12.5z";

/** @type {Record<Status, Look>} */
const LOOKS = {
  PENDING: { word: "Pending", tone: "neutral", path: `${CIRCLE}M8 4.75V8l2.25 1.5`, isFinal: false },
  RUNNING: { word: "Running", tone: "info", path: "M8 1.75a6.25 6.25 0 1 1-5.9 4.2", isFinal: false },
  PASSED: { word: "Passed", tone: "ok", path: `${CIRCLE}M5.25 8.25l2 2 3.75-4.25`, isFinal: true },
  FAILED: { word: "Failed", tone: "bad", path: `${CIRCLE}M5.75 5.75l4.5 4.5M10.25 5.75l-4.5 4.5`, isFinal: true },
  ERROR: { word: "Error", tone: "bad", path: "M8 2L14.5 13.5h-13zM8 6.5v3.25M8 11.5v.25", isFinal: true },
  CANCELLED: { word: "Cancelled", tone: "neutral", path: `${CIRCLE}M3.6 3.6l8.8 8.8`, isFinal: true },
  LOST: {
    word: "Lost",
    tone: "warn",
    path: `${CIRCLE}M6.25 6.25a1.75 1.75 0 1 1 1.75 2.25v.5M8 11v.25`,
    isFinal: true,
  },
};

export const STATUSES = /** @type {Status[]} */ (Object.keys(LOOKS));

/**
 * How a state looks; one that this dashboard does not know yet is shown by its own name.
 *
 * @param {string} status
 * @returns {Look}
 */
export function lookOf(status) {
  return LOOKS[/** @type {Status} */ (status)] ?? { word: status, tone: "neutral", path: CIRCLE, isFinal: false };
}

/** @param {string} status */
export function statusElement(status) {
  const { word, tone, path } = lookOf(status);
  return element("span", { class: `status ${tone} ${status.toLowerCase()}` }, drawing(path), word);
}

const FAVICON_COLOURS = { neutral: "#7a7a88", info: "#2f8fe0", ok: "#2da35a", bad: "#e0484d", warn: "#d08a1d" };

/**
 * Shows a state in the tab's icon; null gives the product's own back.
 *
 * @param {string | null} status
 */
export function showInFavicon(status) {
  const link = document.querySelector("link[rel=icon]");
  const dot = (/** @type {string} */ fill) =>
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6" fill="${fill}"/></svg>`;
  const address =
    status === null
      ? "/dashboard/mark.svg"
      : `data:image/svg+xml,${encodeURIComponent(dot(FAVICON_COLOURS[lookOf(status).tone]))}`;
  link?.setAttribute("href", address);
}
