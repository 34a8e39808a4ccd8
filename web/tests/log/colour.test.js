import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, fixedColour, indexedColour, rgbColour, textColourOn } from "../../dashboard/log/colour.js";

test("the 256 colours are a palette, a cube and greys", () => {
  assert.equal(indexedColour(7), 7);
  assert.equal(indexedColour(16), "#000000");
  assert.equal(indexedColour(21), "#0000ff");
  assert.equal(indexedColour(231), "#ffffff");
  assert.equal(indexedColour(232), "#080808");
  assert.equal(indexedColour(255), "#eeeeee");
  for (const none of [-1, 256, 1.5, NaN]) assert.equal(indexedColour(none), null);
  assert.equal(rgbColour(1, 2, 256), null);
});

test("contrast is that of WCAG", () => {
  assert.equal(Math.round(contrast("#000000", "#ffffff")), 21);
  assert.equal(contrast("#777777", "#777777"), 1);
});

test("text on every background of the 256 can be read, whatever colour it asked for", () => {
  for (let background = 0; background < 256; background++)
    for (const wanted of [null, 0, 7, 15, "#808080"]) {
      const below = indexedColour(background) ?? 0;
      assert.ok(contrast(textColourOn(below, wanted), fixedColour(below)) >= 3, `${wanted} on ${background}`);
    }
});

test("a text colour that can be read is kept", () => {
  assert.equal(textColourOn(4, 15), fixedColour(15));
  assert.equal(textColourOn("#000000", "#00ff00"), "#00ff00");
});
