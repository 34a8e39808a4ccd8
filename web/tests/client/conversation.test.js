import assert from "node:assert/strict";
import { test } from "node:test";
import { CallboardProblem } from "../../callboard.js";
import { inBrowser } from "./browser.js";

/** @typedef {import("../../callboard.js").Event} Event */

function never() {
  assert.fail("this was not to be told");
}

test(
  "a request gets its own reply, in whatever order replies come",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const [echo, pong] = await Promise.all([
      callboard.request({ type: "chat", content: "Hello!" }),
      callboard.request({ type: "ping" }),
    ]);
    assert.equal(echo.data.content, "Hello!");
    assert.equal(pong.type, "pong");
  }),
);

test(
  "who says something hears an echo, once, and gets it as the reply too",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const other = await browser.openLive();
    /** @type {string[]} */
    const heard = [];
    for (const type of ["echo", "chat"]) callboard.on(type, () => heard.push(`own ${type}`));
    for (const type of ["echo", "chat"]) other.on(type, () => heard.push(`other ${type}`));
    await callboard.request({ type: "chat", content: "Hello!" });
    await browser.until(() => heard.length === 2);
    assert.deepEqual(heard.sort(), ["other chat", "own echo"]);
  }),
);

test(
  "an error reply rejects the request",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    await assert.rejects(callboard.request({ type: "subscribe" }), (error) => {
      assert.ok(error instanceof CallboardProblem);
      const { status, code, detail, temporary } = error;
      const expected = {
        status: 0,
        code: "protocol-violation",
        detail: "Refused: protocol-violation",
        temporary: false,
      };
      assert.deepEqual({ status, code, detail, temporary }, expected);
      return true;
    });
  }),
);

for (const [how, act] of /** @type {[string, (browser: import("./browser.js").FakeBrowser, c: any) => void][]} */ ([
  ["the socket goes", (browser) => browser.gateway.closeAll(1006)],
  ["the page closes it", (_, callboard) => callboard.close()],
])) {
  test(
    `a request that waits is rejected when ${how}`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      browser.gateway.isSilent = true;
      const request = assert.rejects(callboard.request({ type: "ping" }), { code: "not-connected" });
      await browser.settle();
      act(browser, callboard);
      await request;
    }),
  );
}

test(
  "a reply that never comes is an error after thirty seconds",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.isSilent = true;
    const request = assert.rejects(callboard.request({ type: "ping" }), { code: "no-reply", temporary: true });
    for (let second = 0; second < 30; second += 5) {
      browser.gateway.post("build", "RUNNING", { second });
      await browser.advance(5_000);
    }
    await request;
    assert.equal(callboard.state.name, "live");
  }),
);

test(
  "without a connection a request is refused at once",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    await assert.rejects(callboard.request({ type: "ping" }), { code: "not-connected" });
    callboard.connect();
    await assert.rejects(callboard.request({ type: "ping" }), { code: "not-connected" });
  }),
);

test(
  "a channel is joined now, and again after every reconnect",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    /** @type {unknown[]} */
    const told = [];
    callboard.subscribe("logs", {
      onJoined: ({ channel, position, again }) => told.push([channel, position, again]),
      onEvent: ({ data }) => told.push(data),
    });
    callboard.connect();
    await browser.until(() => told.length === 1);
    browser.gateway.publish("logs", "execution-log", 1);
    browser.gateway.closeAll(1006);
    await browser.eventually(() => told.length === 3);
    browser.gateway.publish("logs", "execution-log", 2);
    await browser.until(() => told.length === 4);
    assert.deepEqual(told, [["logs", "e1:0", false], 1, ["logs", "e1:1", true], 2]);
  }),
);

test(
  "a channel that every socket is in is joined without asking, and never left",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    /** @type {boolean[]} */
    const joins = [];
    const subscription = callboard.subscribe("org", { onJoined: ({ again }) => joins.push(again) });
    callboard.connect();
    await browser.until(() => joins.length === 1);
    subscription.close();
    await browser.settle();
    assert.deepEqual(browser.gateway.heard, []);
    const heard = new Promise((resolve) => callboard.on("execution-updated", resolve));
    browser.gateway.post("build", "RUNNING");
    await heard;
  }),
);

test(
  "two who hear one channel both hear it, until the last one leaves",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    /** @type {string[]} */
    const heard = [];
    const first = callboard.subscribe("logs", { onEvent: () => heard.push("first") });
    const second = callboard.subscribe("logs", { onEvent: () => heard.push("second") });
    await browser.settle();
    browser.gateway.publish("logs", "execution-log", {});
    await browser.until(() => heard.length === 2);
    first.close();
    first.close();
    await browser.settle();
    browser.gateway.publish("logs", "execution-log", {});
    await browser.until(() => heard.length === 3);
    second.close();
    await browser.settle();
    browser.gateway.publish("logs", "execution-log", {});
    await browser.settle();
    assert.deepEqual(heard, ["first", "second", "second"]);
    assert.equal(browser.gateway.heard.filter(({ type }) => type === "unsubscribe").length, 1);
  }),
);

test(
  "who is let go by somebody who hears the same event, or closes on joining, hears nothing more",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    /** @type {ReturnType<typeof callboard.subscribe>[]} */
    const others = [];
    let calls = 0;
    const hear = () => {
      calls += 1;
      for (const other of others) other.close();
    };
    for (let member = 0; member < 2; member += 1) others.push(callboard.subscribe("logs", { onEvent: hear }));
    await browser.settle();
    browser.gateway.publish("logs", "execution-log", {});
    await browser.settle();
    assert.equal(calls, 1);
    callboard.subscribe("org", { onJoined: () => callboard.close() });
    callboard.on("connected", never);
    browser.gateway.closeAll(1006);
    await browser.eventually(() => callboard.state.name === "idle");
    assert.deepEqual(browser.reported, []);
  }),
);

test(
  "who leaves before the reply hears nothing, and may come again",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const gone = callboard.subscribe("logs", { onJoined: never, onEvent: never });
    gone.close();
    /** @type {unknown[]} */
    const heard = [];
    callboard.subscribe("logs", { onEvent: ({ data }) => heard.push(data) });
    await browser.settle();
    browser.gateway.publish("logs", "execution-log", 1);
    await browser.until(() => heard.length === 1);
    await browser.reconnect(callboard);
    browser.gateway.publish("logs", "execution-log", 2);
    await browser.until(() => heard.length === 2);
    assert.deepEqual(browser.reported, []);
  }),
);

for (const [channel, code] of /** @type {[string, string][]} */ ([
  ["nowhere", "unknown-channel"],
  ["room:board", "forbidden"],
])) {
  test(
    `a channel that is ${code} is told, and not asked for again`,
    inBrowser(async (browser) => {
      const callboard = await browser.openLive();
      /** @type {string[]} */
      const refusals = [];
      callboard.subscribe(channel, { onRefused: (problem) => refusals.push(problem.code), onJoined: never });
      await browser.until(() => refusals.length === 1);
      browser.gateway.closeAll(1006);
      await browser.eventually(() => callboard.state.name === "live");
      await browser.settle();
      assert.deepEqual(refusals, [code]);
      assert.equal(browser.gateway.heard.length, 1);
    }),
  );
}

test(
  "a channel that cannot be joined now is asked for again",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.refuseNext({ code: "unavailable", temporary: true });
    let joins = 0;
    callboard.subscribe("logs", { onJoined: () => (joins += 1), onRefused: never });
    await browser.eventually(() => joins === 1);
    assert.equal(browser.gateway.heard.length, 2);
  }),
);

test(
  "an event that comes twice is told once, a new epoch begins anew",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    /** @type {unknown[]} */
    const heard = [];
    callboard.on("chat", ({ data }) => heard.push(data));
    const event = { type: "chat", channel: "room:general", at: "" };
    for (const [position, data] of [
      ["e1:1", "a"],
      ["e1:2", "b"],
      ["e1:1", "a"],
      ["e1:2", "b"],
      ["e2:1", "c"],
      ["e2:1", "c"],
      ["e2:2", "d"],
    ]) {
      browser.gateway.sayToAll({ ...event, position, data });
    }
    await browser.until(() => heard.includes("d"));
    assert.deepEqual(heard, ["a", "b", "c", "d"]);
  }),
);

test(
  "a reset is told, and the channel goes on from there",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    /** @type {unknown[]} */
    const told = [];
    callboard.on("reset", ({ channel, position }) => told.push([channel, position]));
    callboard.on("chat", ({ data }) => told.push(data));
    const event = { type: "chat", channel: "room:general", at: "" };
    browser.gateway.sayToAll({ ...event, position: "e1:9", data: "before" });
    browser.gateway.sayToAll({ type: "reset", channel: "room:general", position: "e1:4" });
    browser.gateway.sayToAll({ ...event, position: "e1:5", data: "after" });
    await browser.until(() => told.includes("after"));
    assert.deepEqual(told, ["before", ["room:general", "e1:4"], "after"]);
  }),
);

test(
  "what a listener throws is reported, and disturbs nobody",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    const fault = new Error("a fault of the page");
    const throws = () => {
      throw fault;
    };
    /** @type {Event[]} */
    const heard = [];
    callboard.on("execution-updated", throws);
    callboard.on("execution-updated", (event) => heard.push(event));
    callboard.subscribe("org", { onJoined: throws, onEvent: throws });
    callboard.on("state", throws);
    await browser.settle();
    browser.gateway.post("build", "RUNNING");
    await browser.until(() => heard.length === 1);
    await browser.reconnect(callboard);
    assert.ok(browser.reported.length >= 4);
    assert.ok(browser.reported.every((error) => error === fault));
  }),
);

test(
  "who stops listening hears nothing more, even of the event that is being told",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    let calls = 0;
    const listener = () => (calls += 1);
    const off = callboard.on("execution-updated", () => second());
    const second = callboard.on("execution-updated", listener);
    const third = callboard.on("execution-updated", listener);
    browser.gateway.post("build", "RUNNING");
    await browser.until(() => calls === 1);
    off();
    third();
    browser.gateway.post("build", "PASSED");
    await browser.settle();
    assert.equal(calls, 1);
  }),
);

test(
  "kinds of events and frames that nobody knows yet do no harm",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    /** @type {unknown[]} */
    const heard = [];
    callboard.on("agent:thought", ({ data }) => heard.push(data));
    browser.gateway.sayToAll({ type: "expiring" });
    browser.gateway.sayToAll({ type: "weather", channel: "org", state: "fair" });
    browser.gateway.sayToAll({ type: "agent:thought", channel: "workflows", position: "e1:1", at: "", data: "why?" });
    browser.gateway.sayToAll({ type: "agent:thought", channel: "workflows", at: "", data: "without a position" });
    await browser.until(() => heard.length === 2);
    assert.equal(callboard.state.name, "live");
  }),
);
