/**
 * What the connection is like, truthfully and quietly.
 *
 * @typedef {import("/callboard.js").Callboard} Callboard
 * @typedef {import("/callboard.js").State} State
 * @typedef {{word: string, detail: string, tone: "ok" | "warn" | "bad" | "neutral", mayRetry: boolean, seconds: number | null}} Telling
 */

import { element, fill } from "./elements.js";

/**
 * A state in words. `seconds` counts down to the next attempt, when there is one to wait for.
 *
 * @param {State} state
 * @param {number} now  ms since 1970
 * @returns {Telling}
 */
export function tellConnection(state, now) {
  const quiet = { mayRetry: false, seconds: null };
  switch (state.name) {
    case "live":
      return { ...quiet, word: "Live", detail: "Changes appear as they happen.", tone: "ok" };
    case "delayed":
      return {
        ...quiet,
        word: "Delayed",
        detail: "The server hears no changes now; what is shown may be old.",
        tone: "warn",
      };
    case "connecting":
      return { ...quiet, word: "Connecting", detail: "Connecting to the server.", tone: "neutral" };
    case "reconnecting": {
      const seconds = state.retryAt === null ? null : Math.max(0, Math.ceil((state.retryAt - now) / 1_000));
      const detail = "The connection was lost; what is shown may be old.";
      return { word: "Reconnecting", detail, tone: "warn", mayRetry: state.retryAt !== null, seconds };
    }
    case "offline":
      return {
        ...quiet,
        word: "Offline",
        detail: "This device has no network; what is shown may be old.",
        tone: "bad",
      };
    case "ended":
      return state.cause === "session"
        ? { ...quiet, word: "Session ended", detail: "Sign in again to see changes.", tone: "bad" }
        : { ...quiet, word: "Disconnected", detail: "The server ended the connection.", tone: "bad" };
    default:
      return { ...quiet, word: "Not connected", detail: "Nothing is followed.", tone: "neutral" };
  }
}

/**
 * The pill. Only a change of state is announced, never the seconds that pass.
 *
 * @param {Callboard} callboard
 * @param {import("./times.js").Clock} clock
 */
export function connectionPill(callboard, clock) {
  const announced = element("span", { class: "unseen", role: "status", "aria-label": "Connection" });
  const word = element("span", { class: "pill-word", "aria-hidden": "true" });
  const pill = element("span", { class: "pill" }, element("span", { class: "dot", "aria-hidden": "true" }), word);
  const retry = element(
    "button",
    { type: "button", class: "button small", onclick: () => callboard.connect() },
    "Try now",
  );
  const draw = () => {
    const { word: name, detail, tone, mayRetry, seconds } = tellConnection(callboard.state, Date.now());
    const text = seconds === null ? name : `${name} in ${seconds} s`;
    if (word.textContent !== text) fill(word, text);
    if (announced.textContent !== `${name}. ${detail}`) fill(announced, `${name}. ${detail}`);
    pill.className = `pill ${tone}`;
    pill.title = detail;
    retry.hidden = !mayRetry;
  };
  callboard.on("state", draw);
  clock.every(draw);
  return element("div", { class: "connection" }, pill, announced, retry);
}
