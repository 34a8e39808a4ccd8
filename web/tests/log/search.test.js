import assert from "node:assert/strict";
import { test } from "node:test";
import { LineStore } from "../../dashboard/log/line-store.js";
import { patternOf, rangesIn, Search } from "../../dashboard/log/search.js";

/** @typedef {import("../../dashboard/log/search.js").Hit} Hit */

const ALL = Array.from(
  { length: 4_200 },
  (_, index) => `line ${index + 1}${(index + 1) % 1_000 === 7 ? " needle" : ""}`,
);

/**
 * A search over a log of which the browser has only what `held` says; the rest is fetched.
 *
 * @param {number} held  the first line that is there
 * @param {string[]} [all]
 */
function searchOf(held, all = ALL) {
  const store = new LineStore();
  store.extendTo(all.length);
  store.put(held, all.slice(held - 1));
  /** @type {number[]} */
  const loads = [];
  /** @type {Hit[]} */
  const choices = [];
  let isOffline = false;
  const load = async (/** @type {number} */ page) => {
    if (isOffline) throw new TypeError("no network");
    loads.push(page);
    store.put(page * 1_000 + 1, all.slice(page * 1_000, (page + 1) * 1_000));
  };
  const search = new Search({ store, load, onFound: () => {}, onChoice: (hit) => choices.push(hit) });
  const setOffline = (/** @type {boolean} */ value) => (isOffline = value);
  return { search, store, loads, choices, setOffline };
}

/** @param {Search} search */
async function finished(search) {
  while (search.found.isRunning) await new Promise((resolve) => void setImmediate(resolve));
}

const OPTIONS = { isCaseSensitive: false, from: 1 };

test("what is searched for is text, not a pattern", () => {
  const special = "a.b*c[d](e)^$\\|{1}+?";
  assert.deepEqual(rangesIn(`x${special}y${special}`, patternOf(special, true)), [
    [1, 21],
    [22, 42],
  ]);
  assert.deepEqual(rangesIn("axb", patternOf("a.b", true)), []);
});

test("case counts only when asked for", () => {
  assert.equal(rangesIn("Error ERROR error", patternOf("error", false)).length, 3);
  assert.equal(rangesIn("Error ERROR error", patternOf("error", true)).length, 1);
});

test("the whole log is searched, and what is not here is fetched", async () => {
  const { search, choices, loads } = searchOf(4_001);
  search.begin("needle", { ...OPTIONS, from: 4_100 });
  await finished(search);
  assert.deepEqual({ ...search.found }, { total: 5, place: 1, progress: 1, isRunning: false, problem: null });
  assert.deepEqual(choices, [{ line: 7, nth: 0 }]);
  assert.deepEqual([...new Set(loads)].sort(), [0, 1, 2, 3]);
});

test("next and previous go around the ends, hit by hit within a line too", async () => {
  const { search, choices } = searchOf(1, ["xx", "-", "x", "-"]);
  search.begin("x", { ...OPTIONS, from: 2 });
  await finished(search);
  for (const direction of /** @type {const} */ ([1, 1, 1, -1, -1])) search.step(direction);
  assert.deepEqual(
    choices.map(({ line, nth }) => [line, nth]),
    [
      [3, 0],
      [1, 0],
      [1, 1],
      [3, 0],
      [1, 1],
      [1, 0],
    ],
  );
  assert.equal(search.found.place, 1);
});

test("the only hit of a log is its own next and previous", async () => {
  const { search, choices } = searchOf(1, ["x", "-"]);
  search.begin("x", OPTIONS);
  await finished(search);
  search.step(1);
  search.step(-1);
  assert.deepEqual(
    choices.map(({ line }) => line),
    [1, 1, 1],
  );
});

test("a text that is nowhere gives no hit", async () => {
  const { search, choices } = searchOf(1);
  search.begin("haystack", OPTIONS);
  await finished(search);
  search.step(1);
  assert.deepEqual([search.found.total, search.found.place, choices.length], [0, 0, 0]);
});

test("colours and control characters do not hide a hit", async () => {
  const { search } = searchOf(1, ["ne\u001b[31med\u001b[0mle", "10% needle\r100%"]);
  search.begin("needle", OPTIONS);
  await finished(search);
  assert.equal(search.found.total, 1);
});

test("lines that come later are searched too", async () => {
  const { search, store } = searchOf(1);
  search.begin("needle", OPTIONS);
  await finished(search);
  store.put(4_201, ["needle", "-", "needle needle"]);
  search.resume();
  await finished(search);
  assert.equal(search.found.total, 8);
});

test("a search that was stopped stays stopped, with what it had", async () => {
  const { search, loads } = searchOf(4_001);
  search.begin("needle", { ...OPTIONS, from: 4_001 });
  search.cancel();
  await new Promise((resolve) => void setTimeout(resolve));
  assert.equal(search.found.isRunning, false);
  assert.ok(search.found.progress < 1);
  assert.ok(loads.length <= 1);
});

test("a search that could not go on says why, and goes on when asked", async () => {
  const { search, setOffline } = searchOf(4_001);
  setOffline(true);
  search.begin("needle", OPTIONS);
  await finished(search);
  assert.ok(search.found.problem instanceof TypeError);
  setOffline(false);
  search.step(1);
  await finished(search);
  assert.deepEqual([search.found.total, search.found.problem], [5, null]);
});

test("a long search lets others have their turn", async () => {
  const { search } = searchOf(
    1,
    Array.from({ length: 100_000 }, (_, index) => `line ${index} of many that are searched for a needle`),
  );
  search.begin("needle", OPTIONS);
  await new Promise((resolve) => void setTimeout(resolve));
  assert.equal(search.found.isRunning, true);
  await finished(search);
  assert.equal(search.found.total, 100_000);
});

test("another text forgets the hits of the one before", async () => {
  const { search } = searchOf(1);
  search.begin("line", OPTIONS);
  search.begin("needle", OPTIONS);
  await finished(search);
  assert.equal(search.found.total, 5);
  search.begin("", OPTIONS);
  assert.deepEqual([search.found.total, search.pattern, search.current], [0, null, null]);
});
