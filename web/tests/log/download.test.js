import assert from "node:assert/strict";
import { test } from "node:test";
import { gatherLog } from "../../dashboard/log/download.js";
import { findEnd, readerOf } from "../../dashboard/log/log-source.js";
import { LinesNotGiven } from "../../dashboard/log/page-loader.js";

/** @param {string[]} all */
function readOf(all) {
  return async (/** @type {number} */ after, /** @type {number} */ limit) => ({
    attempt: 1,
    firstLine: after + 1,
    lines: all.slice(after, after + Math.min(limit, 700)),
    position: "",
    nextAfter: null,
  });
}

test("a download is every line as it was written, up to where it began", async () => {
  const all = Array.from({ length: 2_345 }, (_, index) => `\u001b[31mline ${index + 1} ü`);
  /** @type {number[]} */
  const shares = [];
  const { signal } = new AbortController();
  const blob = await gatherLog(readOf(all), { last: 2_340, signal, onProgress: (share) => shares.push(share) });
  assert.equal(await blob.text(), `${all.slice(0, 2_340).join("\n")}\n`);
  assert.equal(shares.at(-1), 1);
  assert.deepEqual(shares.toSorted(), shares);
});

test("a download that is stopped gives nothing", async () => {
  const stopping = new AbortController();
  const onProgress = () => stopping.abort();
  const all = Array.from({ length: 2_000 }, () => "line");
  await assert.rejects(gatherLog(readOf(all), { last: 2_000, signal: stopping.signal, onProgress }), {
    name: "AbortError",
  });
});

test("a download of other lines than those asked for is refused", async () => {
  const all = Array.from({ length: 2_000 }, () => "line");
  const { signal } = new AbortController();
  const read = async () => readOf(all)(0, 200);
  await assert.rejects(gatherLog(read, { last: 2_000, signal, onProgress: () => {} }), LinesNotGiven);
});

test("the end of a log is found with one call", async () => {
  /** @type {unknown[]} */
  const calls = [];
  const callboard = {
    fetch: async (/** @type {string} */ path, /** @type {object} */ options) => {
      calls.push([path, options]);
      return Response.json({ attempt: 3, firstLine: 1, lines: [], position: "3:4711", nextAfter: null });
    },
    followLog: () => ({ stop: () => {} }),
    on: () => () => {},
  };
  assert.deepEqual(await findEnd(callboard, "run~1", null), { attempt: 3, last: 4_711 });
  assert.deepEqual(calls, [["/producer/executions/run~1/logs", { query: { after: 2_147_483_646, limit: 1 } }]]);
  await readerOf(callboard, "a/b", 3)(10, 20);
  assert.deepEqual(calls[1], ["/producer/executions/a%2Fb/logs", { query: { attempt: 3, after: 10, limit: 20 } }]);
  await assert.rejects(readerOf(callboard, "a/b", 2)(10, 20), LinesNotGiven);
});
