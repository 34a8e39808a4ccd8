/**
 * The whole log as one file, as it was written, escapes included.
 *
 * @typedef {import("./page-loader.js").ReadLog} ReadLog
 */

import { PAGE_LINES } from "./log-page.js";
import { linesAfter } from "./page-loader.js";

/**
 * Reads all lines up to one. The browser may keep what it has so far on disk.
 *
 * @param {ReadLog} read
 * @param {object} options
 * @param {number} options.last
 * @param {AbortSignal} options.signal  ends it with the signal's reason
 * @param {(share: number) => void} options.onProgress  0 to 1
 * @returns {Promise<Blob>}
 */
export async function gatherLog(read, { last, signal, onProgress }) {
  /** @type {Blob[]} */
  const parts = [];
  for (let after = 0; after < last;) {
    signal.throwIfAborted();
    const lines = await linesAfter(read, after, Math.min(PAGE_LINES, last - after));
    parts.push(new Blob([lines.join("\n"), "\n"]));
    after += lines.length;
    onProgress(after / last);
  }
  signal.throwIfAborted();
  return new Blob(parts, { type: "text/plain;charset=utf-8" });
}

/** Some browsers begin to read a file only after the click is over. */
const KEPT_MS = 60_000;

/**
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), KEPT_MS);
}

/** One download at a time, begun and stopped by the same button. */
export class LogDownload {
  #onProgress;
  /** @type {AbortController | null} */
  #running = null;

  /** @param {{onProgress: (share: number | null) => void}} parts  null: it is over */
  constructor({ onProgress }) {
    this.#onProgress = onProgress;
  }

  /**
   * Begins, or stops what is under way.
   *
   * @param {ReadLog} read
   * @param {number} last
   * @param {string} name  of the file
   * @returns {Promise<unknown>} what went wrong, else null
   */
  async toggle(read, last, name) {
    if (this.#running) {
      this.stop();
      return null;
    }
    const running = new AbortController();
    this.#running = running;
    this.#onProgress(0);
    try {
      saveFile(await gatherLog(read, { last, signal: running.signal, onProgress: this.#onProgress }), name);
      return null;
    } catch (error) {
      return running.signal.aborted ? null : error;
    } finally {
      this.#running = null;
      this.#onProgress(null);
    }
  }

  stop() {
    this.#running?.abort();
  }
}
