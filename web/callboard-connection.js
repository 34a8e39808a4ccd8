/** One socket, why sockets close, and what was seen on them. */

import { CallboardProblem } from "./callboard-session.js";

/**
 * @typedef {import("./callboard.js").Cause} Cause
 * @typedef {import("./callboard.js").Place} Place
 * @typedef {import("./callboard.js").Timer} Timer
 */

const OPEN_WITHIN = 15_000;
const PING_AFTER = 25_000;
const PONG_WITHIN = 10_000;
const REPLY_WITHIN = 30_000;

/** @type {Readonly<Record<number, {reason: string, then: string, cause?: Cause}>>} */
export const CLOSE_CODES = Object.freeze({
  1001: { reason: "server shutting down", then: "after the delay it was told" },
  1008: { reason: "back-pressure threshold exceeded", then: "at once, with jitter" },
  1009: { reason: "message too big", then: "at once, with jitter" },
  4001: { reason: "identity expired", then: "with a new token" },
  4002: { reason: "no pong", then: "at once, with jitter" },
  4003: { reason: "this node can't hear", then: "at once, with jitter" },
  4401: { reason: "ticket refused", then: "with a new token" },
  4429: { reason: "too many messages", then: "after the delay it was told" },
  4501: { reason: "session revoked", then: "never", cause: "session" },
  4503: { reason: "identity change", then: "never", cause: "identity" },
  4508: { reason: "protocol violations", then: "never", cause: "protocol" },
  4509: { reason: "connection limit", then: "never", cause: "limit" },
});

/** What a close means; of the codes that nobody knows only 4500-4999 are for good. @param {number} code */
export function afterClose(code) {
  const isFinal = code >= 4500 && code <= 4999;
  return CLOSE_CODES[code] ?? { reason: "connection lost", then: isFinal ? "never" : "at once, with jitter" };
}

export const NOT_CONNECTED = { code: "not-connected", detail: "There is no connection now.", temporary: true };
const NO_REPLY = { code: "no-reply", detail: "The server did not reply in time.", temporary: true };

/** The last position of each channel: `<epoch>:<offset>`, in `execution:*` `<attempt>:<line>`. */
export class Positions extends Map {
  /** Notes a position; false if it was passed before. Epochs have no order: another one is new. @param {Place} place */
  advance({ channel, position }) {
    const [epoch, offset] = position.split(":");
    const [lastEpoch, lastOffset] = (this.get(channel) ?? ":").split(":");
    const isOver = channel.startsWith("execution:") && Number(epoch) < Number(lastEpoch);
    if (isOver || (epoch === lastEpoch && Number(offset) <= Number(lastOffset))) return false;
    this.set(channel, position);
    return true;
  }
}

/** One socket: requests and replies, and the doubt whether it still lives. */
export class Connection {
  #socket;
  #onFrame;
  #onGone;
  #life = new AbortController();
  signal = this.#life.signal;
  /** The server has said `connected`. */
  isOpen = false;
  /** @type {Timer} */ #timer;
  #requests = 0;
  /** @type {Map<string, (reply: any) => void>} */ #waiting = new Map();

  /** @param {string} address @param {string} ticket @param {(frame: any) => void} onFrame @param {(code: number, reason: string) => void} onGone */
  constructor(address, ticket, onFrame, onGone) {
    this.#socket = new WebSocket(address, ["callboard.v1", `ticket.${ticket}`]);
    this.#socket.onmessage = ({ data }) => this.#read(data);
    this.#socket.onclose = ({ code, reason }) => this.#lose(code, reason);
    this.#onFrame = onFrame;
    this.#onGone = onGone;
    this.#timer = this.#expect(OPEN_WITHIN);
  }

  /** Asks for a sign of life: after a silence, for a page does not see the server's pings, or when there is doubt. */
  probe() {
    if (!this.isOpen) return;
    this.#socket.send('{"type":"ping"}');
    clearTimeout(this.#timer);
    this.#timer = this.#expect(PONG_WITHIN);
  }

  /** @param {Record<string, unknown>} fields @returns {Promise<any>} */
  request(fields) {
    const id = String(++this.#requests);
    const { promise, resolve, reject } = Promise.withResolvers();
    const timer = setTimeout(() => this.#settle(id, { ...NO_REPLY, type: "error" }), REPLY_WITHIN);
    this.#waiting.set(id, (reply) => {
      clearTimeout(timer);
      if (reply.type === "error") reject(new CallboardProblem({ detail: reply.message, ...reply }));
      else resolve(reply);
    });
    this.#socket.send(JSON.stringify({ ...fields, id }));
    return promise;
  }

  close() {
    this.isOpen = false;
    clearTimeout(this.#timer);
    this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#life.abort();
    for (const id of this.#waiting.keys()) this.#settle(id, { ...NOT_CONNECTED, type: "error" });
  }

  /** What cannot be read is no protocol of ours: on another connection it may be. @param {string} data */
  #read(data) {
    try {
      this.#hear(JSON.parse(data));
    } catch {
      if (!this.signal.aborted) this.#lose(1002, "unreadable frame");
    }
  }

  /** @param {any} frame */
  #hear(frame) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.probe(), PING_AFTER);
    this.#settle(frame.replyTo, frame);
    this.#onFrame(frame);
  }

  /** @param {string} id @param {any} reply */
  #settle(id, reply) {
    const settle = this.#waiting.get(id);
    this.#waiting.delete(id);
    settle?.(reply);
  }

  /** @param {number} within  ms */
  #expect(within) {
    return setTimeout(() => this.#lose(4002, "no answer"), within);
  }

  /** @param {number} code @param {string} reason */
  #lose(code, reason) {
    this.close();
    this.#onGone(code, reason);
  }
}
