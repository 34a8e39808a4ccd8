import assert from "node:assert/strict";
import { test } from "node:test";
import { LineStore } from "../../dashboard/log/line-store.js";
import { PLAIN } from "../../dashboard/log/sgr.js";

const ESC = "\u001b";
const RED = `${ESC}[31mred from here`;

/**
 * @param {number} count
 * @param {string} [text]
 */
function lines(count, text = "line") {
  return Array.from({ length: count }, (_, index) => `${text} ${index}`);
}

/**
 * @param {LineStore} store
 * @param {number} line
 */
function colourOf(store, line) {
  return store.stylesOf(line, line)[0]?.fg;
}

test("lines are kept by number, with holes", () => {
  const store = new LineStore();
  store.put(2_999, ["a", "b", "c"]);
  assert.deepEqual(
    [store.line(2_998), store.line(2_999), store.line(3_001), store.line(3_002)],
    [undefined, "a", "c", undefined],
  );
  assert.equal(store.last, 3_001);
  assert.equal(store.lastPage, 3);
});

test("the first hole of a page is told, up to the end of the log or to the next line that is there", () => {
  const store = new LineStore();
  assert.equal(store.firstHole(0), null);
  store.extendTo(1_500);
  assert.deepEqual(store.firstHole(0), { from: 1, to: 1_000 });
  store.put(1, lines(400));
  store.put(402, lines(599));
  assert.deepEqual(store.firstHole(0), { from: 401, to: 401 });
  store.put(401, ["there"]);
  assert.equal(store.firstHole(0), null);
  assert.deepEqual(store.firstHole(1), { from: 1_001, to: 1_500 });
  store.put(1_001, lines(500));
  assert.equal(store.firstHole(1), null);
  assert.equal(store.firstHole(2), null);
});

test("a line that is stored already stays as it is", () => {
  const store = new LineStore();
  store.put(1, ["first"]);
  store.put(1, ["second", "next"]);
  assert.deepEqual([store.line(1), store.line(2), store.last], ["first", "next", 2]);
});

test("a colour is carried over lines and pages", () => {
  const store = new LineStore();
  store.put(1, [RED, ...lines(2_998), `still${ESC}[0m`, "plain"]);
  assert.deepEqual(
    [1, 2, 1_001, 3_000, 3_001].map((line) => colourOf(store, line)),
    [null, 1, 1, 1, null],
  );
  assert.deepEqual(
    store.stylesOf(999, 1_003).map(({ fg }) => fg),
    [1, 1, 1, 1, 1],
  );
});

test("a colour from before a hole counts as soon as the hole is filled", () => {
  const store = new LineStore();
  store.put(2_001, lines(10));
  store.put(1, [RED, ...lines(999)]);
  assert.equal(colourOf(store, 2_005), null);
  store.put(1_001, lines(1_000));
  assert.equal(colourOf(store, 2_005), 1);
});

test("a hole within a page is filled in the right style too", () => {
  const store = new LineStore();
  store.put(1, ["a"]);
  store.put(3, ["c", "d"]);
  assert.deepEqual(store.stylesOf(1, 4), [PLAIN, PLAIN, PLAIN, PLAIN]);
  store.put(2, [RED]);
  assert.deepEqual(
    store.stylesOf(1, 4).map(({ fg }) => fg),
    [null, null, 1, 1],
  );
});

test("whatever order lines come in, their styles are those of reading from the top", () => {
  const codes = ["31", "0", "1", "38;5;200", "4;42", ""];
  const all = Array.from({ length: 2_500 }, (_, index) => {
    const code = codes[(index * 7) % 11];
    return code === undefined ? "text" : `${ESC}[${code}mtext`;
  });
  const whole = new LineStore();
  whole.put(1, all);
  const expected = whole.stylesOf(1, 2_500);
  const mixed = new LineStore();
  const starts = Array.from({ length: 25 }, (_, chunk) => ((chunk * 11) % 25) * 100);
  for (const start of starts) {
    mixed.put(start + 1, all.slice(start, start + 100));
    mixed.stylesOf(1, mixed.last);
  }
  assert.deepEqual(mixed.stylesOf(1, 2_500), expected);
});

test("too much text is given up from the far end, never what is in use nor the end of the log", () => {
  const store = new LineStore(30_000);
  for (let page = 0; page < 5; page++)
    store.put(
      page * 1_000 + 1,
      Array.from({ length: 1_000 }, () => "0123456789"),
    );
  store.trim(0, 1);
  assert.deepEqual(
    [0, 1, 2, 3, 4].map((page) => store.firstHole(page) === null),
    [true, true, false, false, true],
  );
  assert.equal(store.last, 5_000);
  store.put(2_001, lines(1_000));
  assert.equal(store.line(2_001), "line 0");
});
