import assert from "node:assert/strict";
import { test } from "node:test";
import {
  OVERLAPS,
  endWord,
  expiryOf,
  lifetimesAfter,
  oldTokenText,
  rotationOf,
} from "../../dashboard/tokens/lifetime.js";

const NOW = Date.UTC(2030, 0, 15, 12);
const HOUR = 60 * 60 * 1_000;

/** @param {Partial<import("../../dashboard/tokens/token-entry.js").ApiToken>} fields */
function tokenWith(fields) {
  const made = { id: "t1", name: "ci", createdAt: "2030-01-01T00:00:00.000Z" };
  return { ...made, expiresAt: null, lastUsedAt: null, replacedBy: null, ...fields };
}

/** @param {number} milliseconds  from NOW */
function at(milliseconds) {
  return new Date(NOW + milliseconds).toISOString();
}

test("an expiry is so many days from now, or never", () => {
  assert.equal(expiryOf("7", NOW), "2030-01-22T12:00:00.000Z");
  assert.equal(expiryOf("", NOW), null);
});

test("a token that never expires offers no expiry to keep", () => {
  assert.equal(lifetimesAfter(tokenWith({}))[0]?.text, "Never");
  assert.match(lifetimesAfter(tokenWith({ expiresAt: at(HOUR) }))[0]?.text ?? "", /^As the old one would have: .*2030/);
});

test("an expiry that is kept is not sent, one that is never is", () => {
  const kept = lifetimesAfter(tokenWith({ expiresAt: at(HOUR) }))[0]?.value ?? "";
  assert.deepEqual(rotationOf({ overlap: "3600", lifetime: kept }, NOW), { overlapSeconds: 3_600 });
  assert.deepEqual(rotationOf({ overlap: "0", lifetime: "" }, NOW), { overlapSeconds: 0, expiresAt: null });
  const week = { overlapSeconds: 86_400, expiresAt: "2030-01-22T12:00:00.000Z" };
  assert.deepEqual(rotationOf({ overlap: "86400", lifetime: "7" }, NOW), week);
});

test("every overlap that is offered is one that the API takes", () => {
  const seconds = OVERLAPS.map(({ value }) => Number(value));
  assert.ok(seconds.every((overlap) => Number.isInteger(overlap) && overlap >= 0 && overlap <= 604_800));
  assert.equal(seconds[0], 3_600);
});

test("whoever rotates is told until when the old token works", () => {
  assert.match(oldTokenText(3_600, at(HOUR)), /^The old token works until .*2030.* before then\.$/);
  assert.match(oldTokenText(0, at(0)), /^The old token has ended\./);
});

test("an entry tells a rotation apart from an expiry", () => {
  assert.equal(endWord(tokenWith({}), NOW), null);
  assert.equal(endWord(tokenWith({ expiresAt: at(HOUR) }), NOW), "expires");
  assert.equal(endWord(tokenWith({ expiresAt: at(-HOUR) }), NOW), "expired");
  assert.equal(endWord(tokenWith({ expiresAt: at(HOUR), replacedBy: "t2" }), NOW), "rotated, ends");
  assert.equal(endWord(tokenWith({ expiresAt: at(0), replacedBy: "t2" }), NOW), "rotated, ended");
});
