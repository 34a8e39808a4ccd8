/**
 * Where a log comes from: the part of the browser client that the log view needs.
 *
 * @typedef {{attempt: number, firstLine: number, lines: string[]}} LogChunk
 * @typedef {object} LogClient
 * @property {(path: string, options: {query: Record<string, string | number>}) => Promise<Response>} fetch
 * @property {(taskId: string, listener: (chunk: LogChunk) => void, options: FollowOptions) => {stop: () => void}} followLog
 * @property {(type: string, listener: (event: any) => void) => () => void} on
 * @typedef {{attempt?: number, after: number, onRestart: (attempt: number) => void}} FollowOptions
 * @typedef {import("./page-loader.js").LogAnswer} LogAnswer
 * @typedef {import("./page-loader.js").ReadLog} ReadLog
 */

import { LinesNotGiven } from "./page-loader.js";

/** After the last number that a line can have there is nothing: the answer says where the log ends. */
const BEYOND = 2 ** 31 - 2;

/**
 * Reads one attempt; an answer about another one is refused with `LinesNotGiven`.
 *
 * @param {LogClient} callboard
 * @param {string} taskId
 * @param {number} attempt
 * @returns {ReadLog}
 */
export function readerOf(callboard, taskId, attempt) {
  return async (after, limit) => {
    const answer = await readLog(callboard, taskId, { attempt, after, limit });
    if (answer.attempt !== attempt) throw new LinesNotGiven();
    return answer;
  };
}

/**
 * Which attempt a log is of, and how many lines it has.
 *
 * @param {LogClient} callboard
 * @param {string} taskId
 * @param {number | null} attempt  null: the newest
 * @returns {Promise<{attempt: number, last: number}>}
 */
export async function findEnd(callboard, taskId, attempt) {
  const wanted = attempt === null ? {} : { attempt };
  const { attempt: found, position } = await readLog(callboard, taskId, { ...wanted, after: BEYOND, limit: 1 });
  return { attempt: found, last: Number(position.split(":")[1]) };
}

/**
 * @param {LogClient} callboard
 * @param {string} taskId
 * @param {Record<string, number>} query
 * @returns {Promise<LogAnswer>}
 */
async function readLog(callboard, taskId, query) {
  const answer = await callboard.fetch(`/producer/executions/${encodeURIComponent(taskId)}/logs`, { query });
  return answer.json();
}
