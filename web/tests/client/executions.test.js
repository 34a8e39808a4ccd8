import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { inBrowser } from "./browser.js";
import { held, json, problem } from "./gateway.js";

/**
 * @typedef {import("../../callboard.js").Execution} Execution
 * @typedef {import("../../callboard.js").Callboard} Callboard
 */

const LIST = "/producer/executions";

/** @param {Callboard} callboard @param {Parameters<Callboard["followExecutions"]>[1]} [options] */
function follow(callboard, options) {
  /** @type {{all: string[], changed: string | null}[]} */
  const told = [];
  const brief = (/** @type {Execution} */ { taskId, status, version }) => `${taskId} ${status} ${version}`;
  const following = callboard.followExecutions(
    (all, changed) => told.push({ all: all.map(brief), changed: changed && brief(changed) }),
    options,
  );
  return { told, stop: following.stop, last: () => told.at(-1)?.all };
}

test(
  "the snapshot comes without a socket, newest first",
  inBrowser(async (browser) => {
    for (const taskId of ["a", "b", "c"]) browser.gateway.post(taskId, "RUNNING");
    const { told } = follow(browser.open());
    await browser.until(() => told.length === 1);
    assert.deepEqual(told, [{ all: ["c RUNNING 1", "b RUNNING 1", "a RUNNING 1"], changed: null }]);
  }),
);

test(
  "each change is told with what it makes of the list",
  inBrowser(async (browser) => {
    browser.gateway.post("a", "RUNNING");
    const callboard = await browser.openLive();
    const { told } = follow(callboard);
    await browser.until(() => told.length === 1);
    browser.gateway.post("b", "PENDING");
    browser.gateway.post("a", "PASSED");
    await browser.until(() => told.length === 3);
    assert.deepEqual(told.slice(1), [
      { all: ["b PENDING 1", "a RUNNING 1"], changed: "b PENDING 1" },
      { all: ["b PENDING 1", "a PASSED 2"], changed: "a PASSED 2" },
    ]);
  }),
);

test(
  "what happens while the snapshot is on its way is neither lost nor undone by it",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const old = browser.gateway.post("a", "RUNNING");
    await browser.settle();
    const hold = held();
    browser.gateway.fail(LIST, hold.wait);
    const { told, last } = follow(callboard);
    await browser.settle();
    browser.gateway.post("a", "PASSED");
    browser.gateway.post("b", "RUNNING");
    await browser.settle();
    assert.deepEqual(told, []);
    hold.answer(json([old]));
    await browser.until(() => told.length === 1);
    assert.deepEqual(last(), ["b RUNNING 1", "a PASSED 2"]);
  }),
);

test(
  "a snapshot that is newer than what was heard on its way stands",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const row = browser.gateway.post("a", "PENDING");
    await browser.settle();
    const hold = held();
    browser.gateway.fail(LIST, hold.wait);
    const { told, last } = follow(callboard);
    await browser.settle();
    browser.gateway.post("a", "RUNNING");
    await browser.settle();
    hold.answer(json([{ ...row, status: "PASSED", version: 3 }]));
    await browser.until(() => told.length === 1);
    assert.deepEqual(last(), ["a PASSED 3"]);
  }),
);

test(
  "executions of one moment keep their places",
  inBrowser(async (browser) => {
    const createdAt = "2030-01-01T00:00:00.000Z";
    for (const taskId of ["a", "b", "c"]) browser.gateway.post(taskId, "RUNNING", { createdAt });
    const { told, last } = follow(await browser.openLive());
    await browser.until(() => told.length === 1);
    browser.gateway.post("b", "PASSED");
    await browser.until(() => told.length === 2);
    assert.deepEqual(last(), ["c RUNNING 1", "b PASSED 2", "a RUNNING 1"]);
  }),
);

test(
  "after a reconnect the list is what the server has",
  inBrowser(async (browser) => {
    browser.gateway.post("a", "RUNNING");
    const callboard = await browser.openLive();
    const { last } = follow(callboard);
    await browser.reconnect(callboard, () => {
      browser.gateway.post("a", "FAILED");
      browser.gateway.post("b", "RUNNING");
    });
    await browser.until(() => last()?.length === 2);
    assert.deepEqual(last(), ["b RUNNING 1", "a FAILED 2"]);
  }),
);

test(
  "after a reset the list is fetched again, not by all at the same moment",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 0.5);
    const callboard = await browser.openLive();
    const { told, last } = follow(callboard);
    await browser.until(() => told.length === 1);
    browser.gateway.tasks.set("lost", {
      execution: { ...browser.gateway.post("lost", "RUNNING"), version: 7, status: "PASSED" },
      attempts: [[]],
    });
    await browser.settle();
    browser.gateway.sayToAll({ type: "reset", channel: "room:general", position: "e1:0" });
    await browser.settle();
    await browser.advance(1_000);
    assert.equal(browser.gateway.calls.filter((call) => call.includes(LIST)).length, 1);
    browser.gateway.sayToAll({ type: "reset", channel: "org", position: "e2:0" });
    await browser.settle();
    await browser.advance(499);
    assert.deepEqual(last(), ["lost RUNNING 1"]);
    await browser.advance(1);
    assert.deepEqual(last(), ["lost PASSED 7"]);
    assert.equal(browser.gateway.calls.filter((call) => call.includes(LIST)).length, 2);
  }),
);

for (const [what, fault] of /** @type {[string, () => Response][]} */ ([
  ["503", () => problem(503, "unavailable", { "Retry-After": "1" })],
  ["nobody answers", () => assert.fail("Failed to fetch")],
  ["a page of a proxy", () => new Response("<h1>hello</h1>")],
])) {
  test(
    `a snapshot that fails (${what}) is asked for until it comes`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      browser.gateway.post("a", "RUNNING");
      browser.gateway.fail(LIST, fault, fault, fault);
      const { last } = follow(callboard);
      await browser.eventually(() => last() !== undefined);
      assert.deepEqual(last(), ["a RUNNING 1"]);
      assert.deepEqual(browser.reported, []);
    }),
  );
}

test(
  "a snapshot is not asked for before the server wants it",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 0);
    browser.gateway.fail(LIST, () => problem(503, "unavailable", { "Retry-After": "3" }));
    const { told } = follow(browser.open());
    await browser.settle();
    await browser.advance(2_999);
    assert.equal(browser.gateway.calls.length, 1);
    await browser.advance(1);
    assert.equal(told.length, 1);
  }),
);

test(
  "a snapshot that will never come is an error of the page's",
  inBrowser(async (browser) => {
    browser.gateway.fail(LIST, () => problem(422, "invalid-request"));
    const { told } = follow(browser.open(), { limit: 100_000 });
    await browser.until(() => browser.reported.length === 1);
    await browser.advance(60_000);
    assert.deepEqual(told, []);
    assert.equal(browser.gateway.calls.length, 1);
  }),
);

test(
  "a session that is over stops it, a new one lets it go on",
  inBrowser(async (browser) => {
    browser.gateway.session.isOver = true;
    const callboard = browser.open();
    const { last } = follow(callboard);
    callboard.connect();
    await browser.until(() => callboard.state.name === "ended");
    await browser.advance(60_000);
    assert.deepEqual(browser.reported, []);
    Object.assign(browser.gateway.session, { isOver: false, isPrimaryValid: true });
    callboard.connect();
    await browser.until(() => last()?.length === 0);
  }),
);

test(
  "only the states that are wanted are kept, and one that changes leaves",
  inBrowser(async (browser) => {
    for (const taskId of ["a", "b"]) browser.gateway.post(taskId, "RUNNING");
    browser.gateway.post("c", "FAILED");
    const callboard = await browser.openLive();
    const { told, last } = follow(callboard, { status: ["RUNNING", "PENDING"] });
    await browser.until(() => told.length === 1);
    assert.deepEqual(last(), ["b RUNNING 1", "a RUNNING 1"]);
    browser.gateway.post("b", "PASSED");
    browser.gateway.post("d", "FAILED");
    browser.gateway.post("e", "PENDING");
    await browser.until(() => told.length === 3);
    assert.deepEqual(
      told.slice(1).map(({ changed }) => changed),
      ["b PASSED 2", "e PENDING 1"],
    );
    assert.deepEqual(last(), ["e PENDING 1", "a RUNNING 1"]);
  }),
);

test(
  "the list keeps its limit; a change beyond it is told and does not come in",
  inBrowser(async (browser) => {
    for (const taskId of ["a", "b", "c"]) browser.gateway.post(taskId, "RUNNING");
    const callboard = await browser.openLive();
    const { told, last } = follow(callboard, { limit: 2 });
    await browser.until(() => told.length === 1);
    browser.gateway.post("d", "RUNNING");
    browser.gateway.post("a", "PASSED");
    await browser.until(() => told.length === 3);
    assert.deepEqual(last(), ["d RUNNING 1", "c RUNNING 1"]);
    assert.equal(told.at(-1)?.changed, "a PASSED 2");
  }),
);

test(
  "who stops hears nothing more, whatever is on its way",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const hold = held();
    browser.gateway.fail(LIST, hold.wait);
    const { told, stop } = follow(callboard);
    await browser.settle();
    stop();
    hold.answer(json([]));
    browser.gateway.post("a", "RUNNING");
    await browser.reconnect(callboard);
    assert.deepEqual(told, []);
    assert.deepEqual(browser.reported, []);
  }),
);

test(
  "a listener gets a list of its own",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.post("a", "RUNNING");
    /** @type {number[]} */
    const lengths = [];
    callboard.followExecutions((all) => {
      lengths.push(all.length);
      all.length = 0;
    });
    await browser.until(() => lengths.length === 1);
    browser.gateway.post("b", "RUNNING");
    await browser.until(() => lengths.length === 2);
    browser.gateway.post("c", "RUNNING");
    await browser.until(() => lengths.length === 3);
    assert.deepEqual(lengths, [1, 2, 3]);
  }),
);
