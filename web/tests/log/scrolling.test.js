import assert from "node:assert/strict";
import { test } from "node:test";
import { Geometry } from "../../dashboard/log/geometry.js";
import { ScrollScale } from "../../dashboard/log/scroll-scale.js";

const ROW = 20;

/** @param {number} count */
function geometryOf(count) {
  const geometry = new Geometry(ROW);
  geometry.count = count;
  return geometry;
}

test("without wrapped lines a line stands where its number says", () => {
  const geometry = geometryOf(100_000);
  assert.equal(geometry.height, 2_000_000);
  assert.deepEqual([geometry.topOf(1), geometry.topOf(100_000)], [0, 1_999_980]);
  assert.deepEqual(
    [-5, 0, 19, 20, 1_999_999, 9e9].map((y) => geometry.lineAt(y)),
    [1, 1, 1, 2, 100_000, 100_000],
  );
});

test("an empty list has no height", () => {
  const geometry = geometryOf(0);
  assert.deepEqual([geometry.height, geometry.lineAt(0)], [0, 1]);
});

test("measured lines move those after them, and measuring again changes nothing", () => {
  const geometry = geometryOf(10_000);
  assert.equal(geometry.measure(5, 60), true);
  assert.equal(geometry.measure(5, 60.2), false);
  assert.equal(geometry.measure(7_000, 40), true);
  assert.equal(geometry.measure(1, 20), false);
  assert.deepEqual(
    [5, 6, 7_000, 7_001, 10_001].map((line) => geometry.topOf(line)),
    [80, 140, 140_020, 140_060, 200_060],
  );
  assert.equal(geometry.measure(5, 20), true);
  assert.equal(geometry.height, 200_020);
});

test("the line at a height is the one whose top and bottom are around it", () => {
  const geometry = geometryOf(5_000);
  for (let line = 1; line <= 5_000; line += 37) geometry.measure(line, ROW * (1 + (line % 7)));
  for (let line = 1; line <= 5_000; line += 11) {
    assert.equal(geometry.lineAt(geometry.topOf(line)), line);
    assert.equal(geometry.lineAt(geometry.topOf(line + 1) - 1), line);
  }
});

test("a list that a browser can scroll is scrolled as it is", () => {
  const scale = new ScrollScale(10_000);
  scale.resize(8_000, 500);
  assert.equal(scale.length, 8_000);
  scale.moved(1_234);
  assert.deepEqual([scale.offset, scale.isAtEnd], [1_234, false]);
  scale.moved(7_500);
  assert.equal(scale.isAtEnd, true);
  scale.place(99_999);
  assert.deepEqual([scale.offset, scale.scrollTop], [7_500, 7_500]);
});

test("a list that is too high keeps small moves true and long ones in proportion", () => {
  const scale = new ScrollScale(10_000);
  scale.resize(1_000_500, 500);
  assert.equal(scale.length, 10_000);
  scale.moved(100);
  assert.equal(scale.offset, 100);
  scale.moved(4_750);
  assert.equal(scale.offset, 500_000);
  scale.moved(4_730);
  assert.equal(scale.offset, 499_980);
});

test("in a list that is too high every end can be reached in small steps", () => {
  const scale = new ScrollScale(10_000);
  scale.resize(200_000, 500);
  scale.place(9_000);
  for (let step = 0; step < 1_000 && scale.offset >= 1; step++) scale.moved(Math.max(0, scale.scrollTop - 100));
  assert.ok(scale.offset < 1);
  for (let step = 0; step < 10_000 && !scale.isAtEnd; step++) scale.moved(Math.min(9_500, scale.scrollTop + 100));
  assert.equal(scale.isAtEnd, true);
});

test("small steps never jump, wherever the bar is", () => {
  const scale = new ScrollScale(10_000);
  scale.resize(200_000, 500);
  scale.place(1_000);
  for (let step = 0; step < 1_000; step++) {
    const before = scale.offset;
    scale.moved(Math.min(9_500, scale.scrollTop + 100));
    assert.ok(Math.abs(scale.offset - before) < 101);
  }
});

test("rows that are added leave what is in sight where it is", () => {
  const scale = new ScrollScale(10_000);
  scale.resize(50_000, 500);
  scale.place(20_000);
  scale.resize(60_000, 500);
  assert.equal(scale.offset, 20_000);
});
