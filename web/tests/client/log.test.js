import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { inBrowser } from "./browser.js";
import { held, json, problem } from "./gateway.js";

/**
 * @typedef {import("../../callboard.js").Callboard} Callboard
 * @typedef {Parameters<Callboard["followLog"]>[2]} Options
 */

const LOGS = "/producer/executions/build/logs";
const EMPTY = { attempt: 1, firstLine: 1, lines: [], position: "1:0", nextAfter: null };

/** @param {number} from @param {number} to */
function numbered(from, to) {
  return Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}`);
}

/** Follows `build`. `lines` are those of each attempt, by number. @param {Callboard} callboard @param {Options} [options] */
function follow(callboard, options) {
  /** @type {Map<number, string[]>} */
  const attempts = new Map();
  /** @type {string[]} */
  const story = [];
  const onRestart = (/** @type {number} */ attempt) => story.push(`attempt ${attempt}`);
  const hear = (/** @type {import("../../callboard.js").LogChunk} */ { attempt, firstLine, lines }) => {
    const known = attempts.get(attempt) ?? [];
    const before = (options?.attempt ?? 1) === attempt ? (options?.after ?? 0) : 0;
    assert.equal(firstLine, before + known.length + 1, "each line once and in order");
    assert.ok(lines.length > 0);
    attempts.set(attempt, [...known, ...lines]);
    story.push(`${attempt}:${firstLine}-${firstLine + lines.length - 1}`);
  };
  const { stop } = callboard.followLog("build", hear, { onRestart, ...options });
  return { story, stop, lines: (attempt = 1) => attempts.get(attempt) ?? [] };
}

test(
  "stored lines come first, in pages, then live ones",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 2_500));
    const { story, lines } = follow(await browser.openLive());
    await browser.until(() => lines().length === 2_500);
    await browser.settle();
    browser.gateway.log("build", numbered(2_501, 2_502));
    await browser.until(() => lines().length === 2_502);
    assert.deepEqual(story, ["1:1-1000", "1:1001-2000", "1:2001-2500", "1:2501-2502"]);
    assert.deepEqual(lines(), numbered(1, 2_502));
  }),
);

test(
  "a log is read without a socket, and followed when there is one",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 3));
    const callboard = browser.open();
    const { lines } = follow(callboard);
    await browser.until(() => lines().length === 3);
    callboard.connect();
    await browser.until(() => callboard.state.name === "live");
    await browser.settle();
    browser.gateway.log("build", numbered(4, 4));
    await browser.until(() => lines().length === 4);
  }),
);

test(
  "lines that come while older ones are read wait for them",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 30));
    browser.gateway.pageLines = 10;
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    for (let line = 31; line <= 60; line += 1) {
      browser.gateway.log("build", numbered(line, line));
      await new Promise(setImmediate);
    }
    await browser.until(() => lines().length === 60);
    assert.deepEqual(lines(), numbered(1, 60));
  }),
);

test(
  "more live chunks than may wait are read over HTTP instead",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    const callboard = await browser.openLive();
    const hold = held();
    // One at the start, one as the channel is joined.
    browser.gateway.fail(LOGS, held().wait, hold.wait);
    const { story, lines } = follow(callboard);
    await browser.settle();
    for (let line = 1; line <= 200; line += 1) browser.gateway.log("build", numbered(line, line));
    await browser.settle();
    hold.answer(json(EMPTY));
    await browser.until(() => lines().length === 200);
    assert.deepEqual(lines(), numbered(1, 200));
    assert.equal(story[0], "1:1-200");
  }),
);

test(
  "after a reconnect the lines that were missed are read by number",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 3));
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    await browser.until(() => lines().length === 3);
    await browser.reconnect(callboard, () => browser.gateway.log("build", numbered(4, 9)));
    browser.gateway.log("build", numbered(10, 10));
    await browser.until(() => lines().length === 10);
    assert.deepEqual(lines(), numbered(1, 10));
  }),
);

test(
  "after a reconnect without news nothing is read again",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 3));
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    await browser.until(() => lines().length === 3);
    await browser.settle();
    const reads = () => browser.gateway.calls.filter((call) => call.includes(LOGS)).length;
    const before = reads();
    await browser.reconnect(callboard);
    assert.equal(reads(), before);
  }),
);

for (const how of ["a hole before live lines", "a reset"]) {
  test(
    `${how} is closed over HTTP`,
    inBrowser(async (browser) => {
      browser.gateway.post("build", "RUNNING");
      const callboard = await browser.openLive();
      const { lines } = follow(callboard);
      await browser.settle();
      browser.gateway.log("build", numbered(1, 2));
      browser.gateway.log("build", numbered(3, 7), { isHeard: false });
      if (how === "a reset") browser.gateway.sayToAll({ type: "reset", channel: "execution:build", position: "1:7" });
      else browser.gateway.log("build", numbered(8, 8));
      await browser.eventually(() => lines().length === (how === "a reset" ? 7 : 8));
      assert.deepEqual(lines(), numbered(1, how === "a reset" ? 7 : 8));
    }),
  );
}

test(
  "an answer with other lines than the asked ones is not taken, and not asked for again at once",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 4));
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    await browser.until(() => lines().length === 4);
    const other = { attempt: 1, firstLine: 1, lines: numbered(1, 4), position: "1:9", nextAfter: 4 };
    const wrong = () => Response.json(other);
    browser.gateway.fail(LOGS, wrong, wrong, wrong, wrong);
    mock.method(Math, "random", () => 0.5);
    browser.gateway.log("build", numbered(5, 8), { isHeard: false });
    browser.gateway.log("build", numbered(9, 9));
    const reads = () => browser.gateway.calls.filter((call) => call.includes(LOGS)).length;
    const before = reads();
    await browser.settle();
    for (let quarter = 0; quarter < 4; quarter += 1) await browser.advance(250);
    assert.deepEqual(lines(), numbered(1, 4));
    assert.equal(reads() - before, 3); // at 0, 250 and 750 ms
    await browser.eventually(() => lines().length === 9);
    assert.deepEqual(lines(), numbered(1, 9));
  }),
);

test(
  "lines that come again, alone or in front of new ones, are left out",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 4));
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    await browser.until(() => lines().length === 4);
    await browser.settle();
    const data = { taskId: "build", attempt: 1, firstLine: 3 };
    const event = { type: "execution-log", channel: "execution:build", at: "" };
    browser.gateway.sayToAll({ ...event, position: "1:4", data: { ...data, lines: numbered(3, 4) } });
    browser.gateway.sayToAll({ ...event, position: "1:6", data: { ...data, lines: numbered(3, 6) } });
    await browser.until(() => lines().length === 6);
    assert.deepEqual(lines(), numbered(1, 6));
  }),
);

test(
  "it may begin after a line",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 9));
    const { lines } = follow(await browser.openLive(), { after: 7 });
    await browser.until(() => lines().length === 2);
    assert.deepEqual(lines(), numbered(8, 9));
  }),
);

test(
  "a line to begin after that the log does not have was of an attempt before",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "FAILED");
    browser.gateway.log("build", numbered(1, 9));
    browser.gateway.post("build", "RUNNING", { attempt: 2 });
    browser.gateway.log("build", ["again"]);
    const { story } = follow(await browser.openLive(), { after: 9 });
    await browser.until(() => story.length === 2);
    assert.deepEqual(story, ["attempt 2", "2:1-1"]);
  }),
);

test(
  "a new attempt begins with its line 1, after the last line of the one before",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    const callboard = await browser.openLive();
    const { story } = follow(callboard);
    await browser.settle();
    browser.gateway.log("build", ["a", "b"]);
    browser.gateway.post("build", "FAILED");
    browser.gateway.post("build", "RUNNING", { attempt: 2 });
    browser.gateway.log("build", ["c"]);
    await browser.until(() => story.length === 3);
    assert.deepEqual(story, ["1:1-2", "attempt 2", "2:1-1"]);
  }),
);

test(
  "attempts that came and went while away are not mixed up; the one that was followed is read to its end",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.pageLines = 2;
    const callboard = await browser.openLive();
    const { story } = follow(callboard);
    await browser.settle();
    browser.gateway.log("build", ["a"]);
    await browser.until(() => story.length === 1);
    await browser.reconnect(callboard, () => {
      browser.gateway.log("build", ["b", "c", "d"]);
      browser.gateway.post("build", "RUNNING", { attempt: 2 });
      browser.gateway.log("build", ["not seen"]);
      browser.gateway.post("build", "RUNNING", { attempt: 3 });
      browser.gateway.log("build", ["e"]);
    });
    await browser.until(() => story.at(-1) === "3:1-1");
    assert.deepEqual(story, ["1:1-1", "1:2-3", "1:4-4", "attempt 3", "3:1-1"]);
  }),
);

test(
  "what comes late of an attempt that is over is left out",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.post("build", "RUNNING", { attempt: 2 });
    browser.gateway.log("build", ["a"], { isHeard: false });
    const { story } = follow(await browser.openLive());
    await browser.until(() => story.length === 1);
    await browser.settle();
    const data = { taskId: "build", attempt: 1, firstLine: 1, lines: ["late"] };
    browser.gateway.sayToAll({ type: "execution-log", channel: "execution:build", position: "1:1", at: "", data });
    browser.gateway.log("build", ["b"]);
    await browser.until(() => story.length === 2);
    assert.deepEqual(story, ["2:1-1", "2:2-2"]);
  }),
);

test(
  "a fixed attempt is read to its end and nothing else",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "FAILED");
    browser.gateway.log("build", numbered(1, 5));
    browser.gateway.post("build", "RUNNING", { attempt: 2 });
    browser.gateway.pageLines = 2;
    const callboard = await browser.openLive();
    const { story, lines } = follow(callboard, { attempt: 1 });
    await browser.until(() => lines().length === 5);
    browser.gateway.log("build", ["of another attempt"]);
    await browser.reconnect(callboard);
    await browser.settle();
    assert.deepEqual(story, ["1:1-2", "1:3-4", "1:5-5"]);
  }),
);

test(
  "a log of something nobody has posted yet begins with its first line",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const { story } = follow(callboard);
    await browser.settle();
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", ["at last"]);
    await browser.until(() => story.length > 0);
    assert.deepEqual(story, ["1:1-1"]);
    assert.deepEqual(browser.reported, []);
  }),
);

test(
  "a read that fails is tried again, and at once after a reconnect",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 5));
    browser.gateway.fail(LOGS, () => problem(503, "unavailable", { "Retry-After": "100" }));
    const callboard = browser.open();
    const { lines } = follow(callboard);
    await browser.settle();
    assert.deepEqual(lines(), []);
    callboard.connect();
    await browser.until(() => lines().length === 5);
  }),
);

test(
  "live lines whose predecessors cannot be read yet do not make it ask on and on",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    await browser.settle();
    const data = { taskId: "build", attempt: 1, firstLine: 3, lines: ["line 3"] };
    browser.gateway.sayToAll({ type: "execution-log", channel: "execution:build", position: "1:3", at: "", data });
    await browser.settle();
    const reads = browser.gateway.calls.length;
    await browser.settle();
    assert.equal(browser.gateway.calls.length, reads);
    for (let second = 0; second < 60; second += 1) await browser.advance(1_000);
    assert.ok(browser.gateway.calls.length - reads < 30);
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 3), { isHeard: false });
    await browser.eventually(() => lines().length === 3);
    assert.deepEqual(browser.reported, []);
  }),
);

test(
  "a read that fails in the middle goes on where it was",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 5));
    browser.gateway.pageLines = 2;
    const { lines } = follow(await browser.openLive());
    browser.gateway.fail(LOGS, ...[503, 502, 429].map((status) => () => problem(status, "later")));
    await browser.eventually(() => lines().length === 5);
    assert.deepEqual(lines(), numbered(1, 5));
  }),
);

test(
  "who stops hears nothing more, and leaves the channel",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    const callboard = await browser.openLive();
    /** @type {{stop: () => void}} */
    const following = callboard.followLog("build", () => {
      assert.equal(following.stop(), undefined);
      calls += 1;
    });
    let calls = 0;
    await browser.settle();
    browser.gateway.log("build", ["a"]);
    browser.gateway.log("build", ["b"]);
    await browser.settle();
    browser.gateway.log("build", ["c"]);
    await browser.reconnect(callboard);
    assert.equal(calls, 1);
    assert.deepEqual(browser.reported, []);
    assert.deepEqual(
      browser.gateway.heard.map(({ type }) => type),
      ["subscribe", "unsubscribe"],
    );
  }),
);

test(
  "who stops at a line gets none of those that have waited with it",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    const callboard = await browser.openLive();
    const hold = held();
    browser.gateway.fail(LOGS, held().wait, hold.wait);
    /** @type {string[]} */
    const heard = [];
    const following = callboard.followLog("build", ({ lines }) => {
      heard.push(...lines);
      following.stop();
    });
    await browser.settle();
    for (const line of ["a", "b"]) browser.gateway.log("build", [line]);
    await browser.settle();
    hold.answer(json(EMPTY));
    await browser.settle();
    assert.deepEqual(heard, ["a"]);
  }),
);

test(
  "who stops while lines are read gets none of them",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    const hold = held();
    browser.gateway.fail(LOGS, hold.wait);
    const { story, stop } = follow(callboard);
    await browser.settle();
    stop();
    hold.answer(json({ ...EMPTY, lines: ["a"], position: "1:1" }));
    await browser.settle();
    assert.deepEqual(story, []);
  }),
);

test(
  "a listener that throws still gets every line once",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.log("build", numbered(1, 3));
    browser.gateway.pageLines = 1;
    /** @type {string[]} */
    const heard = [];
    const callboard = await browser.openLive();
    callboard.followLog("build", ({ lines }) => {
      heard.push(...lines);
      throw new Error("a fault of the page");
    });
    await browser.until(() => heard.length === 3);
    await browser.settle();
    browser.gateway.log("build", ["line 4"]);
    await browser.until(() => heard.length === 4);
    assert.deepEqual(heard, numbered(1, 4));
    assert.equal(browser.reported.length, 4);
  }),
);

test(
  "whatever is cut, lost, delayed or repeated: each line once and in order",
  inBrowser(async (browser) => {
    browser.gateway.post("build", "RUNNING");
    browser.gateway.pageLines = 7;
    const callboard = await browser.openLive();
    const { lines } = follow(callboard);
    let state = 42;
    const chance = () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    let written = 0;
    const write = () => {
      const count = 1 + Math.floor(chance() * 5);
      browser.gateway.log("build", numbered(written + 1, written + count), { isHeard: chance() < 0.8 });
      written += count;
    };
    for (let step = 0; step < 400; step += 1) {
      write();
      const dice = chance();
      if (dice < 0.05) await browser.reconnect(callboard, write);
      else if (dice < 0.1) browser.gateway.fail(LOGS, () => problem(503, "unavailable"));
      else if (dice < 0.2) await browser.advance(chance() * 3_000);
      else if (dice < 0.5) await new Promise(setImmediate);
    }
    await browser.reconnect(callboard, write);
    await browser.eventually(() => lines().length === written);
    assert.deepEqual(lines(), numbered(1, written));
  }),
);
