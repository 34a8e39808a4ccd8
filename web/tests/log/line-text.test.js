import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf, textOf } from "../../dashboard/log/ansi.js";
import { LineSelection, linesWithin, readLines, textsOf, writeLines } from "../../dashboard/log/line-selection.js";
import { cutTo, joinAfter, piecesOf } from "../../dashboard/log/line-text.js";
import { PLAIN } from "../../dashboard/log/sgr.js";

const ESC = "\u001b";
const SPANS = spansOf(`one ${ESC}[31mtwo${ESC}[0m three`);

/** @param {[number, number][]} ranges */
function pieces(ranges) {
  return piecesOf(SPANS, ranges).map(({ text, style, range }) => [text, style.fg, range]);
}

test("without hits the pieces are the spans", () => {
  assert.deepEqual(pieces([]), [
    ["one ", null, -1],
    ["two", 1, -1],
    [" three", null, -1],
  ]);
});

test("a hit across colours is cut at each of them", () => {
  assert.deepEqual(pieces([[2, 9]]), [
    ["on", null, -1],
    ["e ", null, 0],
    ["two", 1, 0],
    [" t", null, 0],
    ["hree", null, -1],
  ]);
});

test("pieces put together are the text, whatever the hits", () => {
  const length = textOf(SPANS.map(({ text }) => text).join("")).length;
  for (let from = 0; from < length; from++)
    for (let to = from + 1; to <= length; to++) {
      const all = piecesOf(SPANS, [[from, to]]);
      assert.equal(all.map(({ text }) => text).join(""), "one two three");
      assert.equal(
        all
          .filter(({ range }) => range === 0)
          .map(({ text }) => text)
          .join(""),
        "one two three".slice(from, to),
      );
    }
});

test("a line is cut to its first characters, with their colours", () => {
  assert.deepEqual(
    cutTo(SPANS, 6).map(({ text, style }) => [text, style.fg]),
    [
      ["one ", null],
      ["tw", 1],
    ],
  );
  assert.deepEqual(cutTo(SPANS, 0), []);
});

test("after so many spans the rest of a line is one plain span with all of its text", () => {
  const many = spansOf(Array.from({ length: 400 }, (_, index) => `${ESC}[${31 + (index % 6)}mx`).join(""));
  const joined = joinAfter(many, 100);
  assert.equal(joined.length, 101);
  assert.deepEqual(joined.slice(0, 100), many.slice(0, 100));
  assert.deepEqual(joined[100], { text: "x".repeat(300), style: PLAIN });
  assert.deepEqual(joinAfter(SPANS, SPANS.length), SPANS);
});

test("a link to more lines than there are means those that there are", () => {
  assert.deepEqual(linesWithin({ from: 1, to: 9_999_999_999 }, 12), { from: 1, to: 12 });
  assert.deepEqual(linesWithin({ from: 3, to: 5 }, 12), { from: 3, to: 5 });
  assert.equal(linesWithin({ from: 13, to: 14 }, 12), null);
});

test("the texts of lines are looked for up to the first that is missing", () => {
  /** @type {number[]} */
  const asked = [];
  const textAt = (/** @type {number} */ line) => (asked.push(line), line > 12 ? undefined : `line ${line}`);
  assert.equal(textsOf({ from: 11, to: 9_999_999_999 }, textAt), null);
  assert.deepEqual(asked, [11, 12, 13]);
  assert.deepEqual(textsOf({ from: 11, to: 12 }, textAt), ["line 11", "line 12"]);
});

test("lines are read as links name them", () => {
  assert.deepEqual(readLines("120"), { from: 120, to: 120 });
  assert.deepEqual(readLines(" 140 - 120 "), { from: 120, to: 140 });
  for (const none of [null, undefined, "", "0", "x", "1-", "-3", "1e3", "12345678901"])
    assert.equal(readLines(none), null);
  assert.equal(writeLines({ from: 120, to: 120 }), "120");
  assert.equal(writeLines({ from: 120, to: 140 }), "120-140");
});

test("Shift-click chooses from the line that was clicked before, in either direction", () => {
  const selection = new LineSelection();
  selection.click(10, true);
  assert.deepEqual(selection.lines, { from: 10, to: 10 });
  selection.click(14, true);
  assert.deepEqual(selection.lines, { from: 10, to: 14 });
  selection.click(7, true);
  assert.deepEqual(selection.lines, { from: 7, to: 10 });
  assert.deepEqual(
    [selection.has(6), selection.has(7), selection.has(10), selection.has(11)],
    [false, true, true, false],
  );
  selection.choose({ from: 3, to: 5 });
  selection.click(9, true);
  assert.deepEqual(selection.lines, { from: 3, to: 9 });
});
