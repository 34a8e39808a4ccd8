import assert from "node:assert/strict";
import { test } from "node:test";
import { ExecutionStore } from "../../dashboard/executions/execution-store.js";
import { execution } from "./execution.js";

const ALL = { status: "", text: "" };
const ids = (/** @type {{taskId: string}[]} */ executions) => executions.map(({ taskId }) => taskId);

test("the newest execution comes first, and stays in its place when it changes", () => {
  const store = new ExecutionStore();
  store.take([execution("old", { second: 1 }), execution("new", { second: 3 }), execution("mid", { second: 2 })]);
  store.take([execution("old", { second: 1, version: 2, status: "PASSED" })]);
  assert.deepEqual(ids(store.select(ALL)), ["new", "mid", "old"]);
  assert.equal(store.select(ALL)[2]?.status, "PASSED");
});

test("an older version that comes late changes nothing", () => {
  const store = new ExecutionStore();
  store.take([execution("run", { version: 3, status: "FAILED" })]);
  assert.deepEqual(store.take([execution("run", { version: 2, status: "RUNNING" })]), []);
  assert.equal(store.select(ALL)[0]?.status, "FAILED");
});

test("only what is new or newer is news", () => {
  const store = new ExecutionStore();
  store.take([execution("a"), execution("b")]);
  assert.deepEqual(ids(store.take([execution("a"), execution("b", { version: 2 }), execution("c")])), ["b", "c"]);
});

test("filters by state, and by a piece of id or name in whatever case", () => {
  const store = new ExecutionStore();
  store.take([
    execution("deploy-1", { status: "FAILED" }),
    execution("build-1", { status: "PASSED", name: "Nightly DEPLOY" }),
    execution("build-2", { status: "FAILED" }),
  ]);
  assert.deepEqual(ids(store.select({ status: "FAILED", text: "" })).toSorted(), ["build-2", "deploy-1"]);
  assert.deepEqual(ids(store.select({ status: "", text: " dePloy " })).toSorted(), ["build-1", "deploy-1"]);
  assert.deepEqual(ids(store.select({ status: "FAILED", text: "deploy" })), ["deploy-1"]);
});

test("counts follow the states", () => {
  const store = new ExecutionStore();
  store.take([execution("a", { status: "RUNNING" }), execution("b", { status: "RUNNING" })]);
  store.take([execution("a", { status: "PASSED", version: 2 })]);
  assert.deepEqual(Object.fromEntries(store.counts()), { PASSED: 1, RUNNING: 1 });
});

test("the oldest are let go when there are too many, but never what was asked for", () => {
  const store = new ExecutionStore();
  const some = (/** @type {number} */ first, /** @type {number} */ count) =>
    Array.from({ length: count }, (_, at) => execution(`run-${first + at}`, { second: first + at }));
  store.take(some(1_000, 600));
  assert.equal(store.trim(), false);
  store.take(some(1_600, 1));
  assert.equal(store.trim(), true);
  assert.equal(store.size, 500);
  assert.equal(store.select(ALL).at(-1)?.taskId, "run-1101");
  assert.equal(store.takeAsked(some(1_001, 100)), true);
  assert.equal(store.takeAsked(some(1_001, 100)), false);
  store.take(some(1_601, 100));
  assert.equal(store.trim(), false);
  store.take(some(1_701, 1));
  assert.equal(store.trim(), true);
  assert.equal(store.size, 600);
});
