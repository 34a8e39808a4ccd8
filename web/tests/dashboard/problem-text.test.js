import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldErrors, problemText } from "../../dashboard/problem-text.js";

test("no answer at all is told as such", () => {
  assert.match(problemText(new TypeError("Failed to fetch")), /cannot be reached/);
});

test("the server's sentence is shown, and its own failures can be quoted", () => {
  assert.equal(problemText({ status: 401, detail: "Invalid login or password" }), "Invalid login or password.");
  assert.equal(problemText({ status: 503, detail: "Away.", requestId: "r1" }), "Away. Reference: r1");
});

test("a limit says when to come back", () => {
  assert.equal(problemText({ status: 429, retryAfter: 5 }), "Too many attempts. Try again in 5 s.");
});

test("closed sign-up is told kindly", () => {
  assert.match(problemText({ status: 403, code: "sign-up-closed", detail: "Sign-up is closed." }), /Ask the people/);
});

test("each field has the first of its errors", () => {
  const errors = [
    { location: ["body", "login"], message: "Too short" },
    { location: ["body", "login"], message: "Wrong letters" },
    { location: ["body"], message: "Odd." },
    { location: ["body", "tags", 0], message: "No." },
  ];
  assert.deepEqual(Object.fromEntries(fieldErrors({ status: 422, errors })), { login: "Too short.", body: "Odd." });
});
