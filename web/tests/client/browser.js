/**
 * What a page finds around it, in Node: a clock that only the test moves, a network with one gateway, a window that
 * comes and goes.
 */

import assert from "node:assert/strict";
import { mock } from "node:test";
import { Callboard } from "../../callboard.js";
import { Gateway, URL_OF_GATEWAY } from "./gateway.js";
import { FakeSocket } from "./socket.js";

const ROUNDS = 2_000;
const STEP = 250;
/** A wait on the test's own clock. */
const PATIENCE = 120_000;

/** @typedef {import("../../callboard.js").Token} Token */

export class FakeBrowser {
  gateway = new Gateway();
  window = new EventTarget();
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });
  /** What listeners threw. @type {unknown[]} */
  reported = [];
  /** @type {string[]} */
  states = [];
  isOnline = true;
  /** @type {Callboard[]} */
  #opened = [];
  #originals = new Map();

  constructor() {
    mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
    const { gateway, window } = this;
    const browser = this;
    this.#replace({
      fetch: gateway.fetch.bind(gateway),
      WebSocket: class extends FakeSocket {
        /** @param {string} address @param {string[]} protocols */
        constructor(address, protocols) {
          super(gateway, address, protocols);
        }
      },
      document: this.document,
      addEventListener: window.addEventListener.bind(window),
      reportError: (/** @type {unknown} */ error) => this.reported.push(error),
      navigator: {
        get onLine() {
          return browser.isOnline;
        },
        locks: { request: (/** @type {string} */ _name, /** @type {() => unknown} */ act) => act() },
      },
    });
  }

  /** @param {{token?: Token}} [options] */
  open(options = {}) {
    const callboard = new Callboard({ url: URL_OF_GATEWAY, ...options });
    callboard.on("state", ({ name }) => this.states.push(name));
    this.#opened.push(callboard);
    return callboard;
  }

  /** One that is live. @param {{token?: Token}} [options] */
  async openLive(options) {
    const callboard = this.open(options);
    callboard.connect();
    await this.until(() => callboard.state.name === "live");
    return callboard;
  }

  /** Loses the connection, and has it again. @param {Callboard} callboard @param {() => void} [meanwhile] */
  async reconnect(callboard, meanwhile) {
    this.gateway.cut();
    await this.until(() => callboard.state.name !== "live");
    meanwhile?.();
    this.gateway.mend();
    await this.eventually(() => callboard.state.name === "live");
    await this.settle();
  }

  /** Lets everything happen that needs no time. */
  async settle() {
    for (let round = 0; round < 20; round += 1) await new Promise(setImmediate);
  }

  /** @param {number} ms */
  async advance(ms) {
    mock.timers.tick(ms);
    await this.settle();
  }

  /** Waits for what needs no time. @param {() => unknown} condition */
  async until(condition) {
    for (let round = 0; round < ROUNDS && !condition(); round += 1) await new Promise(setImmediate);
    assert.ok(condition(), `not in time: ${condition}`);
  }

  /** Waits, and moves the clock on. @param {() => unknown} condition */
  async eventually(condition) {
    for (let ms = 0; ms < PATIENCE && !condition(); ms += STEP) await this.advance(STEP);
    assert.ok(condition(), `not in ${PATIENCE} ms: ${condition}`);
  }

  /** @param {"online" | "offline"} type */
  tellNetwork(type) {
    this.isOnline = type === "online";
    this.window.dispatchEvent(new Event(type));
  }

  becomeVisible() {
    this.document.dispatchEvent(new Event("visibilitychange"));
  }

  leave() {
    for (const callboard of this.#opened) callboard.close();
    mock.timers.reset();
    mock.restoreAll();
    for (const [name, original] of this.#originals) {
      if (original) Object.defineProperty(globalThis, name, original);
      else Reflect.deleteProperty(globalThis, name);
    }
  }

  /** @param {Record<string, unknown>} parts */
  #replace(parts) {
    for (const [name, value] of Object.entries(parts)) {
      this.#originals.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
      Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
    }
  }
}

/** @param {(browser: FakeBrowser) => Promise<void>} act */
export function inBrowser(act) {
  return async () => {
    const browser = new FakeBrowser();
    try {
      await act(browser);
    } finally {
      browser.leave();
    }
  };
}
