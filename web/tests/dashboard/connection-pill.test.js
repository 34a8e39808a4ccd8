import assert from "node:assert/strict";
import { test } from "node:test";
import { tellConnection } from "../../dashboard/connection-pill.js";

const NOW = 1_000_000;

/** @typedef {import("/callboard.js").State} State */

test("the seconds to the next attempt are counted up to whole ones, and may be skipped", () => {
  const state = /** @type {State} */ ({ name: "reconnecting", retryAt: NOW + 4_100, attempt: 2, reason: "" });
  const { word, seconds, mayRetry } = tellConnection(state, NOW);
  assert.deepEqual({ word, seconds, mayRetry }, { word: "Reconnecting", seconds: 5, mayRetry: true });
});

test("an attempt that is under way counts nothing and cannot be hurried", () => {
  const state = /** @type {State} */ ({ name: "reconnecting", retryAt: null, attempt: 2, reason: "" });
  const { seconds, mayRetry } = tellConnection(state, NOW);
  assert.deepEqual({ seconds, mayRetry }, { seconds: null, mayRetry: false });
});

test("a moment that has passed is not told as less than nothing", () => {
  const state = /** @type {State} */ ({ name: "reconnecting", retryAt: NOW - 500, attempt: 2, reason: "" });
  assert.equal(tellConnection(state, NOW).seconds, 0);
});

test("an end says whether it is the session that has ended", () => {
  const ended = { name: "ended", code: 4501, reason: "" };
  assert.equal(tellConnection(/** @type {State} */ ({ ...ended, cause: "session" }), NOW).word, "Session ended");
  assert.equal(tellConnection(/** @type {State} */ ({ ...ended, cause: "limit" }), NOW).word, "Disconnected");
});

test("only a connection that hears everything is called live", () => {
  for (const name of ["idle", "connecting", "delayed", "offline"]) {
    assert.notEqual(tellConnection(/** @type {State} */ ({ name }), NOW).tone, "ok");
  }
  assert.equal(tellConnection(/** @type {State} */ ({ name: "live" }), NOW).tone, "ok");
});
