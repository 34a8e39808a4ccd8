import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { inBrowser } from "./browser.js";
import { json, problem } from "./gateway.js";

const TICKET = "/social/api/socials/connect-token";

/** @typedef {import("./browser.js").FakeBrowser} FakeBrowser */
/** @typedef {import("../../callboard.js").Callboard} Callboard */

/** @param {Callboard} callboard */
function retryIn(callboard) {
  const { state } = callboard;
  return state.name === "reconnecting" && state.retryAt !== null ? state.retryAt - Date.now() : null;
}

test(
  "a connection goes from idle over connecting to live",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    assert.equal(callboard.state.name, "idle");
    callboard.connect();
    assert.equal(callboard.state.name, "connecting");
    await browser.until(() => callboard.state.name === "live");
    assert.deepEqual(browser.states, ["connecting", "live"]);
    assert.ok(Object.isFrozen(callboard.state));
  }),
);

test(
  "a lost connection tells when it is tried again, and comes back",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 0.5);
    const callboard = await browser.openLive();
    browser.gateway.closeAll(1006);
    await browser.until(() => callboard.state.name === "reconnecting");
    const retryAt = Date.now() + 250;
    assert.deepEqual(callboard.state, { name: "reconnecting", retryAt, attempt: 1, reason: "connection lost" });
    await browser.advance(249);
    assert.equal(retryIn(callboard), 1);
    mock.timers.tick(1);
    assert.deepEqual(callboard.state, { name: "reconnecting", retryAt: null, attempt: 1, reason: "connection lost" });
    await browser.until(() => callboard.state.name === "live");
  }),
);

test(
  "a server that closes at once is not tried faster and faster",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 1);
    const callboard = await browser.openLive();
    const waits = [];
    for (let time = 0; time < 8; time += 1) {
      browser.gateway.closeAll(1006);
      await browser.until(() => retryIn(callboard) !== null);
      waits.push(retryIn(callboard));
      await browser.advance(waits.at(-1) ?? 0);
      await browser.until(() => callboard.state.name === "live");
    }
    assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  }),
);

test(
  "a connection that lasted ends a row of failures",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 1);
    const callboard = await browser.openLive();
    for (const lived of [0, 10_000]) {
      await browser.advance(lived);
      browser.gateway.closeAll(1006);
      await browser.until(() => retryIn(callboard) !== null);
      assert.equal(retryIn(callboard), 500);
      await browser.advance(500);
      assert.equal(callboard.state.name, "live");
    }
  }),
);

for (const [code, least] of /** @type {[number, number][]} */ ([
  [1001, 5_000],
  [1008, 0],
  [4003, 0],
  [4429, 5_000],
  [4999 - 500, 0],
  [3000, 0],
])) {
  test(
    `after ${code} it comes back, not before ${least} ms`,
    inBrowser(async (browser) => {
      mock.method(Math, "random", () => 0);
      const callboard = await browser.openLive();
      browser.gateway.closeAll(code, "why");
      await browser.until(() => retryIn(callboard) !== null);
      assert.equal(retryIn(callboard), least);
      await browser.eventually(() => callboard.state.name === "live");
    }),
  );
}

for (const [code, cause] of /** @type {[number, string][]} */ ([
  [4501, "session"],
  [4503, "identity"],
  [4508, "protocol"],
  [4509, "limit"],
  [4777, "protocol"],
])) {
  test(
    `${code} is the end, because of the ${cause}, until somebody connects anew`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      browser.gateway.closeAll(code, "why");
      await browser.until(() => callboard.state.name === "ended");
      assert.deepEqual(callboard.state, { name: "ended", code, reason: "why", cause });
      await browser.advance(60_000);
      browser.becomeVisible();
      browser.tellNetwork("online");
      await browser.settle();
      assert.equal(callboard.state.name, "ended");
      callboard.connect();
      await browser.until(() => callboard.state.name === "live");
    }),
  );
}

for (const code of [4001, 4401]) {
  test(
    `after ${code} it comes back with a new token`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      browser.gateway.closeAll(code);
      await browser.until(() => callboard.state.name === "reconnecting");
      await browser.eventually(() => callboard.state.name === "live");
      assert.equal(browser.gateway.session.refreshes, 1);
    }),
  );
}

for (const [retryAfterMs, waited] of [
  [7_000, 7_000],
  [86_400_000, 120_000],
  [undefined, 5_000],
]) {
  test(
    `a draining server that asks for ${retryAfterMs} ms is left alone for ${waited}, this once`,
    inBrowser(async (browser) => {
      mock.method(Math, "random", () => 0);
      const callboard = await browser.openLive();
      browser.gateway.sayToAll({ type: "draining", retryAfterMs });
      browser.gateway.closeAll(1001);
      await browser.until(() => retryIn(callboard) !== null);
      assert.equal(retryIn(callboard), waited);
      callboard.connect();
      await browser.until(() => callboard.state.name === "live");
      browser.gateway.closeAll(1006);
      await browser.until(() => retryIn(callboard) !== null);
      assert.equal(retryIn(callboard), 0);
    }),
  );
}

for (const status of [429, 503]) {
  test(
    `a ticket refused with ${status} is asked for again after Retry-After, and jitter on top of it`,
    inBrowser(async (browser) => {
      mock.method(Math, "random", () => 0.5);
      browser.gateway.fail(TICKET, () => problem(status, "later", { "Retry-After": "9" }));
      const callboard = browser.open();
      callboard.connect();
      await browser.until(() => retryIn(callboard) !== null);
      assert.equal(retryIn(callboard), 9_250);
      await browser.advance(9_250);
      assert.equal(callboard.state.name, "live");
    }),
  );
}

test(
  "a Retry-After of a day is not believed",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 0);
    browser.gateway.fail(TICKET, () => problem(503, "later", { "Retry-After": "86400" }));
    const callboard = browser.open();
    callboard.connect();
    await browser.until(() => retryIn(callboard) !== null);
    assert.equal(retryIn(callboard), 120_000);
  }),
);

test(
  "a ticket that is refused for good is the end",
  inBrowser(async (browser) => {
    browser.gateway.fail(TICKET, () => problem(403, "origin-refused"));
    const callboard = browser.open();
    callboard.connect();
    await browser.until(() => callboard.state.name === "ended");
    const reason = "Refused: origin-refused";
    assert.deepEqual(callboard.state, { name: "ended", code: 403, reason, cause: "protocol" });
  }),
);

test(
  "a socket that cannot be made is tried again",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    const { WebSocket } = globalThis;
    mock.method(globalThis, "WebSocket", function () {
      throw new DOMException("no", "SecurityError");
    });
    callboard.connect();
    await browser.until(() => callboard.state.name === "reconnecting");
    globalThis.WebSocket = WebSocket;
    await browser.eventually(() => callboard.state.name === "live");
  }),
);

test(
  "close while the ticket is fetched opens no socket",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    callboard.connect();
    callboard.close();
    await browser.advance(60_000);
    assert.equal(callboard.state.name, "idle");
    assert.equal(browser.gateway.sockets.length, 0);
    assert.deepEqual(browser.states, ["connecting", "idle"]);
  }),
);

test(
  "close while the ticket arrives opens no socket",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    browser.gateway.fail(TICKET, () => {
      callboard.close();
      return json({ token: "ticket-1" });
    });
    const opened = mock.method(globalThis, "WebSocket");
    callboard.connect();
    await browser.settle();
    assert.equal(opened.mock.callCount(), 0);
    assert.equal(callboard.state.name, "idle");
  }),
);

test(
  "close before the server says connected closes the socket",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    callboard.connect();
    await browser.until(() => browser.gateway.sockets.length === 1);
    callboard.close();
    await browser.advance(60_000);
    assert.deepEqual(browser.states, ["connecting", "idle"]);
    assert.equal(browser.gateway.sockets.length, 0);
  }),
);

test(
  "connect after close in one breath leads to one socket",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    callboard.close();
    callboard.connect();
    callboard.close();
    callboard.connect();
    await browser.until(() => callboard.state.name === "live");
    await browser.advance(60_000);
    assert.equal(browser.gateway.sockets.length, 1);
  }),
);

for (const name of ["connecting", "live", "reconnecting", "ended"]) {
  test(
    `a listener may close as soon as it hears of ${name}`,
    inBrowser(async (browser) => {
      const callboard = browser.open();
      callboard.on("state", (state) => state.name === name && callboard.close());
      /** @type {string[]} */
      const later = [];
      callboard.on("state", (state) => later.push(state.name));
      callboard.connect();
      await browser.settle();
      browser.gateway.closeAll(name === "ended" ? 4501 : 1006);
      await browser.advance(60_000);
      assert.equal(callboard.state.name, "idle");
      assert.equal(later.at(-1), "idle");
      assert.equal(later.includes(name), false);
      assert.equal(browser.gateway.sockets.length, 0);
    }),
  );
}

test(
  "what the bus loses is told, and that it is back",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.sayToAll({ type: "bus", state: "lost" });
    await browser.until(() => callboard.state.name === "delayed");
    browser.gateway.sayToAll({ type: "bus", state: "back" });
    await browser.until(() => callboard.state.name === "live");
  }),
);

test(
  "without network it is offline, tries all the same, and at once when the network is back",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 1);
    const callboard = await browser.openLive();
    browser.isOnline = false;
    browser.gateway.cut();
    await browser.until(() => callboard.state.name === "offline");
    const calls = browser.gateway.calls.length;
    await browser.advance(20_000);
    assert.ok(browser.gateway.calls.length > calls);
    assert.equal(callboard.state.name, "offline");
    browser.gateway.mend();
    browser.tellNetwork("online");
    await browser.eventually(() => callboard.state.name === "live");
    assert.deepEqual(browser.states, ["connecting", "live", "offline", "reconnecting", "live"]);
  }),
);

for (const [what, act] of /** @type {[string, (browser: FakeBrowser, callboard: Callboard) => void][]} */ ([
  ["the page becoming visible", (browser) => browser.becomeVisible()],
  ["an online event", (browser) => browser.tellNetwork("online")],
  ["connect", (_, callboard) => callboard.connect()],
])) {
  test(
    `${what} ends the wait at once`,
    inBrowser(async (browser) => {
      mock.method(Math, "random", () => 1);
      const callboard = await browser.openLive();
      browser.gateway.closeAll(4003);
      await browser.until(() => retryIn(callboard) === 500);
      act(browser, callboard);
      await browser.until(() => callboard.state.name === "live");
      await browser.advance(60_000);
      assert.equal(browser.gateway.calls.filter((call) => call.includes("connect-token")).length, 2);
    }),
  );
}

test(
  "what the browser says cuts the jitter short and never what the server asked for",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 1);
    const callboard = await browser.openLive();
    const tickets = () => browser.gateway.calls.filter((call) => call.includes("connect-token")).length;
    browser.gateway.closeAll(1001);
    await browser.until(() => retryIn(callboard) === 5_500);
    for (let round = 0; round < 30; round += 1) {
      browser.becomeVisible();
      browser.tellNetwork("offline");
      browser.tellNetwork("online");
    }
    await browser.advance(4_999);
    assert.equal(tickets(), 1);
    await browser.advance(1);
    assert.equal(tickets(), 2);
  }),
);

test(
  "however often it is asked to try now, it tries once a second",
  inBrowser(async (browser) => {
    mock.method(Math, "random", () => 1);
    const callboard = await browser.openLive();
    browser.gateway.cut();
    await browser.until(() => callboard.state.name !== "live");
    const before = browser.gateway.calls.length;
    for (let round = 0; round < 50; round += 1) {
      callboard.connect();
      browser.tellNetwork("online");
      await browser.advance(100);
    }
    assert.ok(browser.gateway.calls.length - before <= 7);
  }),
);

for (const retryAfterMs of [-20_000, -1e12, Number.NaN, null, "soon"]) {
  test(
    `a delay of ${retryAfterMs} is none: the usual one counts`,
    inBrowser(async (browser) => {
      mock.method(Math, "random", () => 1);
      const callboard = await browser.openLive();
      browser.gateway.sayToAll({ type: "draining", retryAfterMs });
      browser.gateway.closeAll(1001);
      await browser.until(() => retryIn(callboard) === 5_500);
    }),
  );
}

for (const garbage of /** @type {any[]} */ ([
  null,
  42,
  { type: "connected" },
  { type: "chat", channel: "org", position: 7, data: {} },
])) {
  test(
    `a frame that nobody can read, ${JSON.stringify(garbage)}, ends the connection and another one follows`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      browser.gateway.sayToAll(garbage);
      await browser.until(() => callboard.state.name === "reconnecting");
      await browser.eventually(() => callboard.state.name === "live");
    }),
  );
}

test(
  "a silent socket is asked for a sign of life, and dropped without one",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    await browser.advance(25_000);
    assert.deepEqual(browser.gateway.heard, [{ type: "ping" }]);
    await browser.advance(25_000);
    assert.equal(browser.gateway.heard.length, 2);
    browser.gateway.isSilent = true;
    await browser.advance(25_000);
    assert.equal(callboard.state.name, "live");
    await browser.advance(9_999);
    assert.equal(callboard.state.name, "live");
    mock.timers.tick(1);
    assert.equal(callboard.state.name, "reconnecting");
  }),
);

test(
  "whatever is heard is a sign of life",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.isSilent = true;
    for (let second = 0; second < 60; second += 20) {
      await browser.advance(20_000);
      browser.gateway.post("build", "RUNNING", { second });
      await browser.settle();
    }
    assert.deepEqual(browser.gateway.heard, []);
    assert.equal(callboard.state.name, "live");
  }),
);

test(
  "after a wake-up a dead socket is found within ten seconds",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.isSilent = true;
    browser.becomeVisible();
    await browser.advance(9_999);
    assert.equal(callboard.state.name, "live");
    mock.timers.tick(1);
    assert.equal(callboard.state.name, "reconnecting");
  }),
);

test(
  "doubts that come thick and fast drop no socket that answers",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    callboard.connect();
    for (let step = 0; step < 10; step += 1) {
      browser.becomeVisible();
      await new Promise(setImmediate);
    }
    browser.becomeVisible();
    browser.becomeVisible();
    for (let second = 0; second < 60; second += 1) await browser.advance(1_000);
    assert.deepEqual(browser.states, ["connecting", "live"]);
  }),
);

test(
  "a page that becomes hidden has no doubts",
  inBrowser(async (browser) => {
    await browser.openLive();
    browser.document.visibilityState = "hidden";
    browser.becomeVisible();
    await browser.settle();
    assert.deepEqual(browser.gateway.heard, []);
  }),
);

test(
  "a server that never says connected is left",
  inBrowser(async (browser) => {
    browser.gateway.accept = () => {};
    const callboard = browser.open();
    callboard.connect();
    await browser.settle();
    mock.timers.tick(15_000);
    assert.equal(callboard.state.name, "reconnecting");
  }),
);
