import assert from "node:assert/strict";
import { test } from "node:test";
import { spansOf, styleAfter, textOf } from "../../dashboard/log/ansi.js";
import { PLAIN } from "../../dashboard/log/sgr.js";

const ESC = "\u001b";

/** @param {string} raw */
function brief(raw) {
  return spansOf(raw).map(({ text, style }) => {
    const differences = Object.entries(style).filter(([key, value]) => value !== Object(PLAIN)[key]);
    return [text, Object.fromEntries(differences)];
  });
}

test("a line without escapes is one plain span", () => {
  assert.deepEqual(brief("hello\tworld"), [["hello\tworld", {}]]);
  assert.deepEqual(spansOf(""), []);
});

test("the sixteen colours, weights and their ends are understood", () => {
  assert.deepEqual(brief(`a${ESC}[1;31mb${ESC}[22mc${ESC}[92;44md${ESC}[39;49me${ESC}[mf`), [
    ["a", {}],
    ["b", { bold: true, fg: 1 }],
    ["c", { fg: 1 }],
    ["d", { fg: 10, bg: 4 }],
    ["ef", {}],
  ]);
  assert.deepEqual(brief(`${ESC}[2;3;4;7;9mx${ESC}[22;23;24;27;29my`), [
    ["x", { dim: true, italic: true, underline: true, inverse: true, strike: true }],
    ["y", {}],
  ]);
});

test("256 and true colours are understood with semicolons and with colons", () => {
  assert.deepEqual(brief(`${ESC}[38;5;9ma${ESC}[38;5;208mb${ESC}[48;5;255mc`), [
    ["a", { fg: 9 }],
    ["b", { fg: "#ff8700" }],
    ["c", { fg: "#ff8700", bg: "#eeeeee" }],
  ]);
  for (const written of ["38;2;1;2;3", "38:2:1:2:3", "38:2::1:2:3", "38;2;1;2;3;58;5;4"])
    assert.deepEqual(brief(`${ESC}[${written}mx`), [["x", { fg: "#010203" }]], written);
});

test("a colour that is none changes nothing, and what follows it still counts", () => {
  assert.deepEqual(brief(`${ESC}[38;5;256mx`), [["x", {}]]);
  assert.deepEqual(brief(`${ESC}[38;2;300;0;0;1mx`), [["x", { bold: true }]]);
  assert.deepEqual(brief(`${ESC}[38m${ESC}[38;5m${ESC}[777mx`), [["x", {}]]);
});

test("the style is carried from line to line", () => {
  const red = styleAfter(`${ESC}[31mstart`, PLAIN);
  assert.deepEqual(spansOf("go on", red), [{ text: "go on", style: red }]);
  assert.equal(styleAfter("nothing new", red), red);
  assert.deepEqual(styleAfter(`${ESC}[0mover`, red), PLAIN);
});

test("of a progress bar the last state stays, with the colour set on the way", () => {
  assert.equal(textOf("10%\r50%\r100%"), "100%");
  assert.equal(textOf("done\r"), "done");
  assert.equal(textOf(`busy\r${ESC}[Kdone`), "done");
  assert.equal(textOf(`busy${ESC}[2K`), "");
  assert.equal(textOf(`busy\r${ESC}[K`), "");
  assert.equal(textOf(`busy${ESC}[1Gdone`), "done");
  assert.deepEqual(brief(`${ESC}[32m10%\r100%`), [["100%", { fg: 2 }]]);
});

test("a backspace takes one character back, whole", () => {
  assert.equal(textOf("|\b/\b-\bok"), "ok");
  assert.equal(textOf("a😀\bb"), "ab");
  assert.equal(textOf(`\b${ESC}[1m\bx`), "x");
});

test("cursor moves, titles and links leave only their text", () => {
  assert.equal(textOf(`a${ESC}[2Ab${ESC}[?25lc${ESC}(Bd`), "abcd");
  assert.equal(textOf(`${ESC}]0;title\u0007text`), "text");
  assert.equal(textOf(`${ESC}]8;;https://example.com${ESC}\\link${ESC}]8;;${ESC}\\!`), "link!");
  assert.equal(textOf(`${ESC}[>4;1mx`), "x");
});

test("an escape that never ends hides no text", () => {
  assert.equal(textOf(`${ESC}]0;no end`), "0;no end");
  assert.equal(textOf(`${ESC}[31`), "31");
  assert.equal(textOf(`x${ESC}`), "x");
});

test("control characters are shown or dropped and never break a line", () => {
  assert.equal(textOf("a\nb\u0000c\u007fd\u2028e"), "a␊b␀c␡d␤e");
  assert.equal(textOf("a\u0007\u000f\u009bb"), "ab");
});

test("a long line of nothing but introducers is read in no time", () => {
  const started = performance.now();
  textOf(`${ESC}]`.repeat(8_000));
  textOf(`${ESC}[`.repeat(8_000));
  textOf(`${ESC}[1;`.repeat(4_000));
  assert.ok(performance.now() - started < 500);
});

test("of one escape sixteen parameters count", () => {
  assert.deepEqual(brief(`${ESC}[${"1;".repeat(15)}31ma`), [["a", { bold: true, fg: 1 }]]);
  assert.deepEqual(brief(`${ESC}[${"1;".repeat(16)}31ma`), [["a", { bold: true }]]);
  assert.deepEqual(brief(`${ESC}[${"1;".repeat(14)}38;5;9ma`), [["a", { bold: true }]]);
  assert.equal(styleAfter(`${ESC}[${"1;".repeat(16)}31ma`, PLAIN).fg, null);
});

test("after five hundred escapes a line is plain, and so is the next one", () => {
  const most = `${ESC}[31mx`.repeat(500);
  assert.deepEqual(brief(most), [["x".repeat(500), { fg: 1 }]]);
  assert.equal(styleAfter(most, PLAIN).fg, 1);
  assert.deepEqual(brief(`${most}${ESC}[32my${ESC}[33mz`), [
    ["x".repeat(500), { fg: 1 }],
    ["yz", {}],
  ]);
  assert.equal(styleAfter(`${most}${ESC}[32my`, PLAIN), PLAIN);
});

test("a thousand lines of nothing but escapes are styled in no time", () => {
  const started = performance.now();
  for (const line of [`${ESC}[m`.repeat(5_460), `${ESC}[${";".repeat(16_300)}m`])
    for (let count = 0; count < 1_000; count++) styleAfter(line, PLAIN);
  assert.ok(performance.now() - started < 1_500);
});
