import assert from "node:assert/strict";
import { test } from "node:test";
import { chipsOf, fieldLabel, isWebAddress, keptFields, titleOf } from "../../dashboard/executions/kept-fields.js";
import { execution } from "./execution.js";

test("a name is the title, unless it only repeats the id", () => {
  assert.equal(titleOf(execution("run-1", { name: "tests" })), "tests");
  assert.equal(titleOf(execution("run-1", { name: "run-1" })), null);
  assert.equal(titleOf(execution("run-1", { name: 7, job: "nightly" })), "nightly");
});

test("a row shows two short texts, branches before anything else", () => {
  const made = execution("run", {
    name: "tests",
    note: "x".repeat(61),
    team: "web",
    size: 3,
    owner: "ann",
    branch: "main",
  });
  assert.deepEqual(chipsOf(made), [
    { name: "branch", value: "main" },
    { name: "team", value: "web" },
  ]);
});

test("kept fields are those that are not ours and say something", () => {
  const made = execution("run", { exitCode: 0, reason: "", host: null, ok: false });
  assert.deepEqual(keptFields(made), [
    { name: "exitCode", value: 0 },
    { name: "ok", value: false },
  ]);
});

test("labels are words", () => {
  assert.equal(fieldLabel("exitCode"), "Exit code");
  assert.equal(fieldLabel("build_number-2"), "Build number 2");
  assert.equal(fieldLabel("_"), "_");
});

test("only a web address becomes a link", () => {
  assert.equal(isWebAddress("https://example.com/a?b"), true);
  for (const value of ["javascript:alert(1)", "data:text/html,x", "see https://example.com", "https://", 7, null]) {
    assert.equal(isWebAddress(value), false);
  }
});
