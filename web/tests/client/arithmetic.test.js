import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { afterClose, Backoff, CLOSE_CODES, Positions } from "../../callboard.js";

/** A small generator of chance, so that a failure can be had again. @param {number} seed */
function chance(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test("a delay is never above its ceiling, whatever chance gives, and uses all of the room below", (context) => {
  for (let seed = 1; seed <= 500; seed += 1) {
    const random = context.mock.method(Math, "random", chance(seed));
    const backoff = new Backoff();
    for (let failures = 0; failures < 40; failures += 1) {
      const ceiling = Math.min(20_000, 500 * 2 ** failures);
      const delay = backoff.next();
      const { result } = /** @type {{result: number}} */ (random.mock.calls.at(-1));
      assert.ok(delay >= 0 && delay < ceiling);
      assert.equal(delay, result * ceiling);
    }
    random.mock.restore();
  }
});

test("two clients of one outage do not come back together", () => {
  const delays = new Set(Array.from({ length: 100 }, () => new Backoff().next()));
  mock.restoreAll();
  assert.ok(delays.size > 90);
});

test("codes that nobody knows come back, but for 4500 to 4999", () => {
  for (let code = 1000; code < 6000; code += 1) {
    const { then } = afterClose(code);
    if (code in CLOSE_CODES) continue;
    assert.equal(then === "never", code >= 4500 && code <= 4999, String(code));
  }
});

test("every end that is for good has a cause, and no other close", () => {
  for (const { then, cause } of Object.values(CLOSE_CODES)) assert.equal(cause !== undefined, then === "never");
});

test("an event is new once, whatever comes how often in whatever order", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = chance(seed);
    const positions = new Positions();
    let highest = 0;
    for (let step = 0; step < 100; step += 1) {
      const offset = Math.floor(random() * 30) + 1;
      const isNew = positions.advance({ channel: "org", position: `e:${offset}` });
      assert.equal(isNew, offset > highest);
      highest = Math.max(highest, offset);
    }
  }
});

test("a new epoch begins anew, and channels do not disturb each other", () => {
  const positions = new Positions();
  assert.ok(positions.advance({ channel: "org", position: "e1:9" }));
  assert.ok(positions.advance({ channel: "logs", position: "e1:1" }));
  assert.ok(positions.advance({ channel: "org", position: "e2:1" }));
  assert.equal(positions.advance({ channel: "org", position: "e2:1" }), false);
});

test("attempts have an order: what comes late of an older one is not new", () => {
  const positions = new Positions();
  assert.ok(positions.advance({ channel: "execution:a", position: "1:90" }));
  assert.ok(positions.advance({ channel: "execution:a", position: "2:5" }));
  assert.equal(positions.advance({ channel: "execution:a", position: "1:95" }), false);
  assert.ok(positions.advance({ channel: "execution:a", position: "10:1" }));
});
