/** Durations and moments as people read them, and one clock for all that ticks. */

import { element } from "./elements.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * `4.2 s`, `42 s`, `1 min 05 s`, `2 h 03 min`, `3 d 4 h`. Clocks differ: less than nothing is nothing.
 *
 * @param {number} milliseconds
 * @param {{whole?: boolean}} [options]  `whole`: no tenths, for what ticks once a second
 */
export function durationText(milliseconds, { whole = false } = {}) {
  const span = Math.max(0, milliseconds);
  if (span < 9_950 && !whole) return `${(span / SECOND).toFixed(1)} s`;
  const seconds = whole ? Math.floor(span / SECOND) : Math.round(span / SECOND);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${padded(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${padded(minutes % 60)} min`;
  return `${Math.floor(minutes / 1_440)} d ${Math.floor((minutes % 1_440) / 60)} h`;
}

/**
 * `just now`, `12 s ago`, `5 min ago`, `3 h ago`, `in 30 d`; beyond 45 days the date.
 *
 * @param {number} moment  ms since 1970
 * @param {number} now  ms since 1970
 */
export function relativeText(moment, now) {
  const span = Math.abs(now - moment);
  if (span < 5 * SECOND) return "just now";
  if (span >= 45 * DAY) return dateText(moment);
  const amount = coarse(span);
  return moment > now ? `in ${amount}` : `${amount} ago`;
}

/** @param {number} moment */
export function absoluteText(moment) {
  return new Date(moment).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
}

/** @param {number} moment */
export function dateText(moment) {
  return new Date(moment).toLocaleDateString("en-GB", { dateStyle: "medium" });
}

/** @param {number} moment  ms since 1970 */
export function timeOfDay(moment) {
  return new Date(moment).toLocaleTimeString("en-GB", { timeStyle: "medium" });
}

/** What ticks: called once a second while the page can be seen, and at once when it is seen again. */
export class Clock {
  /** Set it when what is shown has stopped with the moment it is from. */
  isStopped = false;
  /** @type {Set<(now: number) => void>} */
  #listeners = new Set();

  constructor() {
    setInterval(() => this.#tick(), SECOND);
    document.addEventListener("visibilitychange", () => this.#tick());
  }

  /**
   * @param {(now: number) => void} listener  called now too
   * @returns {() => void} ends it
   */
  every(listener) {
    this.#listeners.add(listener);
    listener(Date.now());
    return () => this.#listeners.delete(listener);
  }

  #tick() {
    if (document.hidden || this.isStopped) return;
    const now = Date.now();
    for (const listener of this.#listeners) listener(now);
  }
}

/**
 * An element that says how long ago a moment is, and exactly when in its title. Its text is for `retell` to renew.
 *
 * @param {string} moment  ISO 8601
 */
export function timeElement(moment) {
  const made = element("time", { datetime: moment, title: absoluteText(Date.parse(moment)) });
  retell(made, Date.now());
  return made;
}

/**
 * @param {HTMLTimeElement} time
 * @param {number} now
 */
export function retell(time, now) {
  const text = relativeText(Date.parse(time.dateTime), now);
  if (time.textContent !== text) time.textContent = text;
}

/** @param {number} span */
function coarse(span) {
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** @param {number} value */
function padded(value) {
  return String(value).padStart(2, "0");
}
