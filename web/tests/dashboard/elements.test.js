import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../dashboard/elements.js";

test("what would turn the order of a text around can be seen instead", () => {
  assert.equal(plain("report-\u202Egpj.exe"), "report-<U+202E>gpj.exe");
  for (const code of [0x61c, 0x200e, 0x200f, 0x202a, 0x202e, 0x2066, 0x2069]) {
    assert.match(plain(String.fromCharCode(code)), /^<U\+[0-9A-F]{4}>$/);
  }
});

test("letters of every script stay as they are", () => {
  const text = "שלום مرحبا \u200D \u2028 naïve";
  assert.equal(plain(text), text);
});
