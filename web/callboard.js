/**
 * The browser client of Callboard: no dependency, no build step, the names of PROTOCOL.md. A page imports this module;
 * the others beside it are its parts.
 *
 *     import { Callboard } from "/callboard.js";
 *     const callboard = new Callboard();
 *     callboard.followExecutions((executions) => draw(executions));
 *     callboard.connect();
 *
 * @typedef {"session" | "limit" | "protocol" | "identity"} Cause
 * @typedef {Readonly<{name: "idle" | "connecting" | "live" | "delayed" | "offline"}
 *   | {name: "reconnecting", retryAt: number | null, attempt: number, reason: string}
 *   | {name: "ended", code: number, reason: string, cause: Cause}>} State
 *   `retryAt`: ms since 1970, null while an attempt is under way; `code`: of the close, or an HTTP status
 * @typedef {"PENDING" | "RUNNING" | "PASSED" | "FAILED" | "ERROR" | "CANCELLED" | "LOST"} Status
 * @typedef {{taskId: string, organizationId: string, status: Status, attempt: number, version: number, createdAt: string,
 *   updatedAt: string, startTime: string | null, endTime: string | null} & {[kept: string]: unknown}} Execution
 * @typedef {{attempt: number, firstLine: number, lines: string[]}} LogChunk  lines `firstLine ...` of an attempt
 * @typedef {LogChunk & {position: string, nextAfter: number | null}} LogPage
 * @typedef {{id: string, userId: string, login: string, content: string} & {[more: string]: unknown}} ChatMessage
 * @typedef {{channel: string, position: string}} Place
 * @typedef {Place & {recovered: boolean | null}} Joined  `recovered`: nothing was missed; null: nobody can tell
 * @typedef {Place & {type: string, at: string, data: any, replyTo?: string}} Event
 * @typedef {{userId: string, login: string, organizationId: string, role: string, connectionId: string, message: string,
 *   expiresAt: string | null, channels: Joined[]}} Connected
 * @typedef {{state: State, connected: Connected, reset: Place, "execution-updated": Event & {data: Execution},
 *   "execution-log": Event & {data: LogChunk & {taskId: string}}, chat: Event & {data: ChatMessage},
 *   echo: Event & {data: ChatMessage}}} Told  what listeners are told, by type
 * @typedef {object} Member  who hears a channel
 * @property {(event: Event) => void} [onEvent]
 * @property {(joined: Joined & {again: boolean}) => void} [onJoined]  after each join; `again`: not the first
 * @property {(problem: CallboardProblem) => void} [onRefused]  there is no such channel, or it is not open to this user
 * @typedef {Member & {again: boolean}} Membership
 * @typedef {string | ((asked: {refused: boolean}) => string | Promise<string>)} Token
 * @typedef {string | number | readonly (string | number)[] | null | undefined} QueryValue
 * @typedef {{method?: string, json?: unknown, signal?: AbortSignal, query?: Record<string, QueryValue>}} Call
 * @typedef {ReturnType<typeof setTimeout>} Timer
 */

import { afterClose, Connection, NOT_CONNECTED, Positions } from "./callboard-connection.js";
import { ExecutionFollower, LogFollower } from "./callboard-follow.js";
import {
  Backoff,
  CallboardProblem,
  hintOf,
  isTemporary,
  LONGEST_HINT,
  persist,
  Session,
  tell,
} from "./callboard-session.js";

export { Backoff, CallboardProblem } from "./callboard-session.js";
export { afterClose, CLOSE_CODES, Positions } from "./callboard-connection.js";

const SOCKET_PATH = "/social/api/socials/ws";
/** However often a page, or the browser, asks to try now. */
const SHORTEST_PAUSE = 1_000;
/** After a close that asks for a delay, when no `draining` frame told which. */
const TOLD_DELAY = 5_000;
/** A connection that lived as long ends a row of failures; one that is closed at once does not. */
const STABLE_AFTER = 10_000;

/** What a page holds: its connection, its subscriptions, and the truth about both. */
export class Callboard {
  #session;
  #address;
  /** @type {State} */ #state = Object.freeze({ name: "idle" });
  /** @type {Map<string, Set<(told: any) => unknown>>} */ #listeners = new Map();
  /** @type {Map<string, Set<Membership>>} */ #channels = new Map();
  /** Channels that every socket is in. @type {string[]} */
  #given = [];
  #positions = new Positions();
  #backoff = new Backoff();
  /** From `connect` to `close` or the end. @type {AbortController | null} */
  #run = null;
  /** @type {Connection | null} */ #connection = null;
  /** Until the next attempt. @type {Timer | null} */
  #wait = null;
  /** @type {Timer | undefined} */ #stable;
  #reason = "";
  #told = 0;
  /** Of the attempts, in ms since 1970: the last, the next, and the first that the server wants. */
  #triedAt = 0;
  #retryAt = 0;
  #notBefore = 0;

  /** @param {{url?: string, token?: Token}} [options]  by default the gateway that this module came from, and its cookie */
  constructor({ url = new URL(import.meta.url).origin, token } = {}) {
    const base = url.replace(/\/+$/, "");
    this.#address = base.replace(/^http/, "ws") + SOCKET_PATH;
    this.#session = new Session(base, token, ({ status, message }) => this.#end(status, message, "session"));
  }

  get state() {
    return this.#state;
  }

  /**
   * Listens to "state", "connected", "reset", or a type of events; gives what ends it.
   *
   * @template {string} T
   * @param {T} type
   * @param {(told: T extends keyof Told ? Told[T] : Event) => unknown} listener
   */
  on(type, listener) {
    const own = (/** @type {any} */ told) => listener(told);
    this.#listeners.set(type, (this.#listeners.get(type) ?? new Set()).add(own));
    return () => void this.#listeners.get(type)?.delete(own);
  }

  /** Begins, also after the end; where it waits it tries at once. */
  connect() {
    if (this.#run) return this.#hurry(0);
    this.#run = new AbortController();
    this.#backoff = new Backoff();
    const { signal } = this.#run;
    const hurry = () => this.#hurry(this.#notBefore);
    addEventListener("online", hurry, { signal });
    addEventListener("offline", () => (this.#wait ? this.#setAway(this.#retryAt) : hurry()), { signal });
    const seen = () => document.visibilityState === "visible" && hurry();
    globalThis.document?.addEventListener("visibilitychange", seen, { signal });
    this.#set({ name: "connecting" });
    this.#attempt(signal);
  }

  close() {
    this.#stop();
    this.#set({ name: "idle" });
  }

  /** @param {string} path  like "/producer/executions" @param {Call} [call] @throws {CallboardProblem} */
  fetch(path, call) {
    return this.#session.fetch(path, call);
  }

  /** @param {{type: string} & Record<string, unknown>} fields @returns {Promise<any>} the reply */
  request(fields) {
    if (this.#connection?.isOpen) return this.#connection.request(fields);
    return Promise.reject(new CallboardProblem(NOT_CONNECTED));
  }

  /** Hears a channel, over all connections to come. @param {string} channel @param {Member} [listener] */
  subscribe(channel, listener = {}) {
    const member = { ...listener, again: false };
    this.#channels.set(channel, (this.#channels.get(channel) ?? new Set()).add(member));
    this.#join(channel, member);
    return { channel, close: () => this.#leave(channel, member) };
  }

  /**
   * A snapshot at the start and after every gap, then each change. `changed` is null when all are new.
   *
   * @param {(executions: Execution[], changed: Execution | null) => void} listener  newest first
   * @param {{status?: Status | Status[], limit?: number}} [options]
   */
  followExecutions(listener, options = {}) {
    const follower = new ExecutionFollower(this, listener, options);
    return { stop: () => follower.stop() };
  }

  /**
   * Each line once and in order. A new attempt begins with its line 1, unless `attempt` names the one to follow.
   *
   * @param {string} taskId
   * @param {(chunk: LogChunk) => void} listener
   * @param {{attempt?: number, after?: number, onRestart?: (attempt: number) => void}} [options]
   */
  followLog(taskId, listener, options = {}) {
    const follower = new LogFollower(this, taskId, listener, options);
    return { stop: () => follower.stop() };
  }

  /** Tries as soon as may be, or asks the connection for a sign of life. @param {number} notBefore  ms since 1970 */
  #hurry(notBefore) {
    const at = Math.max(notBefore, this.#triedAt + SHORTEST_PAUSE);
    if (!this.#wait) this.#connection?.probe();
    else if (at <= Date.now()) this.#retry();
    else if (at < this.#retryAt) this.#schedule(at);
  }

  /** @param {AbortSignal} signal */
  async #attempt(signal) {
    try {
      const ticket = await this.#session.ticket(signal);
      signal.throwIfAborted();
      /** @type {Connection} */
      const connection = new Connection(
        this.#address,
        ticket,
        (frame) => this.#take(connection, frame),
        (code, reason) => this.#lost(code, reason),
      );
      this.#connection = connection;
    } catch (error) {
      if (signal.aborted) return;
      const { status, message } = /** @type {CallboardProblem} */ (error);
      if (isTemporary(error)) this.#retryLater(message, hintOf(error));
      else this.#end(status, message, "protocol");
    }
  }

  #retry() {
    const { signal } = /** @type {AbortController} */ (this.#run);
    clearTimeout(this.#wait ?? undefined);
    this.#wait = null;
    this.#triedAt = Date.now();
    this.#setAway(null);
    this.#attempt(signal);
  }

  /** @param {number} at  ms since 1970 */
  #schedule(at) {
    clearTimeout(this.#wait ?? undefined);
    this.#retryAt = at;
    this.#wait = setTimeout(() => this.#retry(), at - Date.now());
    this.#setAway(at);
  }

  /** @param {string} reason @param {number} hint  ms; on top of it, for all clients of one outage are told the same */
  #retryLater(reason, hint) {
    this.#reason = reason;
    this.#notBefore = Date.now() + hint;
    this.#schedule(this.#notBefore + this.#backoff.next());
  }

  /** @param {number} code @param {string} reason */
  #lost(code, reason) {
    const { then, cause = "protocol", ...known } = afterClose(code);
    this.#connection = null;
    clearTimeout(this.#stable);
    if (then === "never") return this.#end(code, reason || known.reason, cause);
    if (then === "with a new token") this.#session.isStale = true;
    this.#retryLater(reason || known.reason, this.#told || (then === "after the delay it was told" ? TOLD_DELAY : 0));
  }

  /** @param {number} code @param {string} reason @param {Cause} cause */
  #end(code, reason, cause) {
    if (!this.#run) return;
    this.#stop();
    this.#set({ name: "ended", code, reason, cause });
  }

  #stop() {
    this.#run?.abort();
    clearTimeout(this.#wait ?? undefined);
    clearTimeout(this.#stable);
    this.#connection?.close();
    this.#run = this.#wait = this.#connection = null;
  }

  /** The browser may be wrong about the network, so attempts go on. @param {number | null} retryAt */
  #setAway(retryAt) {
    const { failures: attempt } = this.#backoff;
    if (navigator.onLine === false) this.#set({ name: "offline" });
    else this.#set({ name: "reconnecting", retryAt, attempt, reason: this.#reason });
  }

  /** @param {State} state */
  #set(state) {
    if (state.name === this.#state.name && state.name !== "reconnecting") return;
    this.#state = Object.freeze(state);
    // A listener may change the state; those after it have then heard of that already.
    this.#emit("state", state, () => this.#state === state);
  }

  /** @param {string} type @param {unknown} told @param {() => boolean} [holds] */
  #emit(type, told, holds = () => true) {
    const listeners = this.#listeners.get(type);
    for (const listener of [...(listeners ?? [])]) {
      if (listeners?.has(listener) && holds()) tell(() => listener(told));
    }
  }

  /** @param {Connection} connection @param {any} frame */
  #take(connection, frame) {
    if (frame.type === "connected") return this.#welcome(connection, frame);
    if (frame.type === "bus") return this.#set({ name: frame.state === "lost" ? "delayed" : "live" });
    if (frame.type === "draining") this.#told = toldDelay(frame.retryAfterMs);
    if (frame.type === "reset") {
      this.#positions.set(frame.channel, frame.position);
      this.#emit("reset", frame);
    }
    if ("data" in frame && (frame.position === undefined || this.#positions.advance(frame))) {
      this.#emit(frame.type, frame);
      for (const member of this.#members(frame.channel)) tell(() => member.onEvent?.(frame));
    }
  }

  /** @param {Connection} connection @param {Connected} frame */
  #welcome(connection, frame) {
    // Who subscribes from here on, in a listener, joins at once.
    const members = [...this.#channels].flatMap(([name, all]) => [...all].map((member) => ({ name, member })));
    connection.isOpen = true;
    this.#told = 0;
    this.#given = frame.channels.map(({ channel }) => channel);
    this.#stable = setTimeout(() => (this.#backoff = new Backoff()), STABLE_AFTER);
    this.#set({ name: "live" });
    for (const { name, member } of members) {
      const given = frame.channels.find(({ channel }) => channel === name);
      if (given) this.#joined(connection, member, given);
      else this.#join(name, member);
    }
    if (connection.isOpen) this.#emit("connected", frame);
  }

  /** Those who hear a channel, as far as they still do. @param {string} channel */
  *#members(channel) {
    const members = this.#channels.get(channel) ?? new Set();
    for (const member of [...members]) if (members.has(member)) yield member;
  }

  /** @param {string} channel @param {Membership} member */
  async #join(channel, member) {
    const connection = this.#connection;
    const isMember = () => this.#channels.get(channel)?.has(member);
    if (!connection?.isOpen || !isMember()) return;
    const ask = async () => {
      if (isMember()) this.#joined(connection, member, await connection.request({ type: "subscribe", channel }));
    };
    await persist(connection.signal, ask).catch((error) => {
      if (connection.signal.aborted || !isMember()) return;
      this.#forget(channel, member);
      tell(() => member.onRefused?.(error));
    });
  }

  /** @param {Connection} connection @param {Membership} member @param {Joined} joined */
  #joined(connection, member, { channel, position, recovered }) {
    const { again } = member;
    if (!connection.isOpen || !this.#channels.get(channel)?.has(member)) return;
    member.again = true;
    tell(() => member.onJoined?.({ channel, position, recovered, again }));
  }

  /** @param {string} channel @param {Membership} member */
  #leave(channel, member) {
    if (!this.#forget(channel, member) || this.#given.includes(channel)) return;
    this.#positions.delete(channel);
    this.request({ type: "unsubscribe", channel }).catch(() => {});
  }

  /** True if it was the last one. @param {string} channel @param {Membership} member */
  #forget(channel, member) {
    const members = this.#channels.get(channel);
    return Boolean(members?.delete(member)) && members?.size === 0 && this.#channels.delete(channel);
  }
}

/** @param {unknown} asked  ms, if the server means well */
function toldDelay(asked) {
  return typeof asked === "number" && asked > 0 ? Math.min(asked, LONGEST_HINT) : TOLD_DELAY;
}
