import assert from "node:assert/strict";
import { test } from "node:test";
import { durationText, relativeText } from "../../dashboard/times.js";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.UTC(2030, 0, 15, 12);

test("durations grow coarser as they grow", () => {
  const expected = [
    [0, "0.0 s"],
    [4_210, "4.2 s"],
    [9_949, "9.9 s"],
    [9_950, "10 s"],
    [59_400, "59 s"],
    [59_500, "1 min 00 s"],
    [65 * SECOND, "1 min 05 s"],
    [HOUR + 3 * MINUTE, "1 h 03 min"],
    [3 * DAY + 4 * HOUR + 59 * MINUTE, "3 d 4 h"],
  ];
  for (const [span, text] of expected) assert.equal(durationText(Number(span)), text);
});

test("what ticks has no tenths and never runs ahead", () => {
  assert.equal(durationText(4_999, { whole: true }), "4 s");
  assert.equal(durationText(59_999, { whole: true }), "59 s");
});

test("a start in the future, by another clock, has taken no time", () => {
  assert.equal(durationText(-5_000, { whole: true }), "0 s");
});

test("moments are told by their distance, both ways", () => {
  assert.equal(relativeText(NOW - 2 * SECOND, NOW), "just now");
  assert.equal(relativeText(NOW - 59 * SECOND, NOW), "59 s ago");
  assert.equal(relativeText(NOW - 90 * SECOND, NOW), "1 min ago");
  assert.equal(relativeText(NOW - 23 * HOUR, NOW), "23 h ago");
  assert.equal(relativeText(NOW + 30 * DAY, NOW), "in 30 d");
});

test("what is long ago is told by its date", () => {
  assert.equal(relativeText(NOW - 60 * DAY, NOW), "16 Nov 2029");
});
