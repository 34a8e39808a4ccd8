import assert from "node:assert/strict";
import { test } from "node:test";
import { HOME, SIGN_IN, placeAfterSignIn, readRoute, routeTo, signInFrom } from "../../dashboard/router.js";

test("a route that was written is read back as it was", () => {
  const hash = routeTo(["executions", "run~1/ä?#", 2], { line: "120-140", text: "a&b=c" });
  const { path, query } = readRoute(hash);
  assert.deepEqual(path, ["executions", "run~1/ä?#", "2"]);
  assert.deepEqual(Object.fromEntries(query), { line: "120-140", text: "a&b=c" });
});

test("values that are empty or missing leave no trace in the address", () => {
  assert.equal(routeTo(["executions"], { status: "", text: undefined, line: null }), "#/executions");
});

test("a part that is no percent-encoding stands for itself", () => {
  assert.deepEqual(readRoute("#/executions/100%").path, ["executions", "100%"]);
});

test("an address without a hash is the root", () => {
  assert.deepEqual(readRoute("").path, []);
});

test("after signing in a person comes back to where they wanted to go", () => {
  const wanted = "#/executions/run-1/2?line=7";
  const next = readRoute(signInFrom(wanted)).query.get("next");
  assert.equal(placeAfterSignIn(next), wanted);
});

test("nobody is led to another site or back to the door", () => {
  for (const wanted of [
    "https://example.com/",
    "//example.com",
    "javascript:alert(1)",
    "#/sign-in?next=x",
    "#/sign-up",
    "",
    null,
  ]) {
    assert.equal(placeAfterSignIn(wanted), HOME);
  }
  assert.equal(signInFrom(""), SIGN_IN);
});
