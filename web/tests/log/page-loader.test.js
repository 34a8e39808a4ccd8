import assert from "node:assert/strict";
import { test } from "node:test";
import { LineStore } from "../../dashboard/log/line-store.js";
import { LinesNotGiven, PageLoader } from "../../dashboard/log/page-loader.js";
import { problemText } from "../../dashboard/problem-text.js";

/**
 * @typedef {object} Call
 * @property {number} after
 * @property {number} limit
 * @property {(most?: number, from?: number) => Promise<void>} answer
 * @property {() => Promise<void>} fail
 */

/** A loader whose calls wait until the test answers them, as a producer would. */
function loaderOf(/** @type {number} */ last) {
  const store = new LineStore();
  store.extendTo(last);
  /** @type {Call[]} */
  const calls = [];
  /** @type {unknown[]} */
  const problems = [];
  const read = (/** @type {number} */ after, /** @type {number} */ limit) => {
    const { promise, resolve, reject } = Promise.withResolvers();
    const answer = (most = Math.min(limit, last - after), firstLine = after + 1) => {
      const lines = Array.from({ length: most }, (_, index) => `line ${firstLine + index}`);
      resolve({ attempt: 1, firstLine, lines, position: "", nextAfter: null });
      return settled();
    };
    const fail = () => {
      reject(new TypeError("no network"));
      return settled();
    };
    calls.push({ after, limit, answer, fail });
    return promise;
  };
  const loader = new PageLoader({ store, read, onPage: () => {}, onProblem: (error) => problems.push(error) });
  loader.liveFrom = last + 1;
  return { loader, store, calls, problems };
}

/** When all that follows from an answer has happened. */
function settled() {
  return new Promise((resolve) => void setImmediate(resolve));
}

test("what is in sight is fetched by whole pages, two at once", async () => {
  const { loader, store, calls } = loaderOf(5_000);
  loader.want(900, 3_100);
  assert.deepEqual(
    calls.map(({ after, limit }) => [after, limit]),
    [
      [0, 1_000],
      [1_000, 1_000],
    ],
  );
  await calls[0]?.answer();
  assert.equal(calls[2]?.after, 2_000);
  assert.equal(store.line(1_000), "line 1000");
});

test("what is out of sight again is not fetched any more", async () => {
  const { loader, calls } = loaderOf(50_000);
  loader.want(1, 3_000);
  loader.want(40_001, 40_060);
  await calls[0]?.answer();
  assert.deepEqual(
    calls.map(({ after }) => after),
    [0, 1_000, 40_000],
  );
});

test("a page that comes in parts is asked for until it is whole", async () => {
  const { loader, store, calls } = loaderOf(1_000);
  const loaded = loader.load(0);
  await calls[0]?.answer(64);
  assert.deepEqual([calls[1]?.after, calls[1]?.limit], [64, 936]);
  await calls[1]?.answer();
  await loaded;
  assert.equal(store.firstHole(0), null);
});

test("two who need the same page share one call", async () => {
  const { loader, calls } = loaderOf(1_000);
  loader.want(1, 10);
  const loaded = loader.load(0);
  assert.equal(calls.length, 1);
  await calls[0]?.answer();
  await loaded;
});

test("lines that are on their way live are not fetched", async () => {
  const { loader, store, calls } = loaderOf(2_500);
  loader.liveFrom = 2_001;
  loader.want(2_100, 2_500);
  await loader.load(2);
  assert.equal(calls.length, 0);
  store.put(2_001, ["came"]);
  loader.want(1_999, 2_500);
  assert.deepEqual(
    calls.map(({ after }) => after),
    [1_000],
  );
});

test("after a failure nothing is asked for until somebody says so", async () => {
  const { loader, calls, problems } = loaderOf(5_000);
  loader.want(1, 1_000);
  await calls[0]?.fail();
  loader.want(1, 1_000);
  assert.deepEqual([calls.length, problems.length], [1, 1]);
  loader.retry();
  assert.equal(calls.length, 2);
});

test("lines that the server no longer has end the call", async () => {
  const { loader, calls } = loaderOf(1_000);
  const loaded = assert.rejects(loader.load(0), LinesNotGiven);
  await calls[0]?.answer(0);
  await loaded;
});

for (const [what, count, firstLine] of /** @type {const} */ ([
  ["other lines than those asked for", 200, 1],
  ["more lines than were asked for", 1_001, 3_001],
]))
  test(`an answer with ${what} is a problem, and nothing is asked for again by itself`, async () => {
    const { loader, store, calls, problems } = loaderOf(5_000);
    loader.want(3_500, 3_600);
    await calls[0]?.answer(count, firstLine);
    loader.want(3_500, 3_600);
    await settled();
    assert.ok(problems[0] instanceof LinesNotGiven);
    assert.deepEqual([problems.length, calls.length, store.line(1), store.line(3_001)], [1, 1, undefined, undefined]);
    loader.retry();
    await calls[1]?.answer();
    assert.deepEqual([calls.length, store.line(3_500)], [2, "line 3500"]);
  });

test("people are told what is wrong with an answer, not to check their network", () => {
  assert.equal(problemText(new LinesNotGiven()), "The answer does not have the lines that were asked for.");
});
