/**
 * The browser client of Callboard: one module, no dependency, the names of PROTOCOL.md.
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

const PATHS = {
  socket: "/social/api/socials/ws",
  ticket: "/social/api/socials/connect-token",
  refresh: "/auth/api/refresh",
};
const FIRST_DELAY = 500;
const LONGEST_DELAY = 20_000;
/** After a close that asks for a delay, when no `draining` frame told which. */
const TOLD_DELAY = 5_000;
/** A longer Retry-After is cut to this, lest a slip at the other end silence a page for a day. */
const LONGEST_HINT = 120_000;
/** A connection that lived as long ends a row of failures; one that is closed at once does not. */
const STABLE_AFTER = 10_000;
const OPEN_WITHIN = 15_000;
const PING_AFTER = 25_000;
const PONG_WITHIN = 10_000;
const TICKET_WITHIN = 15_000;
const ANSWER_WITHIN = 30_000;
const REPLY_WITHIN = 30_000;
/** All who are told to fetch a snapshot are told at the same moment. */
const RESET_SPREAD = 1_000;
/** Bound of live chunks that wait while older lines are read; what falls out is read over HTTP as well. */
const MOST_EARLY_CHUNKS = 64;
/** A 401 that is about what was sent, not about who sent it. */
const OTHER_REFUSALS = ["invalid-credentials", "invalid-api-token"];

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

/** A refusal: over HTTP, or on the socket (`status` 0). Switch on `code`, show `detail`, quote `requestId`. */
export class CallboardProblem extends Error {
  name = "CallboardProblem";

  /** @param {Record<string, any>} fields  those of problem+json, and those that follow */
  constructor({ status = 0, code, title = "", detail = title, errors = [], ...more }) {
    super(detail || code);
    /** @type {number} */ this.status = status;
    /** @type {string} */ this.code = code;
    /** @type {string} */ this.title = title;
    /** @type {string} */ this.detail = detail;
    /** @type {{location: (string | number)[], message: string}[]} */ this.errors = errors;
    /** @type {string | null} */ this.requestId = more.requestId ?? null;
    /** In seconds. @type {number | null} */
    this.retryAfter = more.retryAfter ?? null;
    /** The same may work later. @type {boolean} */
    this.temporary = more.temporary ?? (status >= 500 || [408, 425, 429].includes(status));
  }

  /** @param {Response} answer  not ok; from a service, the gateway, or whatever stands in between */
  static async of(answer) {
    const { status, headers } = answer;
    const body = await answer.json().catch(() => null);
    const text = (/** @type {string} */ name) => (typeof body?.[name] === "string" ? body[name] : undefined);
    const seconds = Number.parseInt(headers.get("Retry-After") ?? "", 10);
    return new CallboardProblem({
      status,
      code: text("code") ?? `http-${status}`,
      title: text("title") ?? `HTTP ${status}`,
      detail: text("detail"),
      errors: Array.isArray(body?.errors) ? body.errors : [],
      requestId: text("requestId") ?? headers.get("X-Request-Id"),
      retryAfter: seconds >= 0 ? seconds : null,
    });
  }
}

const NOT_CONNECTED = { code: "not-connected", detail: "There is no connection now.", temporary: true };
const NO_REPLY = { code: "no-reply", detail: "The server did not reply in time.", temporary: true };

/** @param {unknown} error  @returns {error is CallboardProblem} */
function isRefusal(error) {
  return error instanceof CallboardProblem && error.status === 401 && !OTHER_REFUSALS.includes(error.code);
}

/** What is no answer of the server's may be another one next time. @param {unknown} error */
function isTemporary(error) {
  return !(error instanceof CallboardProblem) || error.temporary;
}

/** The delay that the server asked for, in ms. @param {unknown} error */
function hintOf(error) {
  return error instanceof CallboardProblem ? Math.min((error.retryAfter ?? 0) * 1_000, LONGEST_HINT) : 0;
}

/** Calls a listener; what it throws must not stop us or others. @param {() => unknown} call */
function tell(call) {
  try {
    call();
  } catch (error) {
    reportError(error);
  }
}

/** Delays with full jitter: anywhere between nothing and a ceiling that doubles with each failure in a row. */
export class Backoff {
  failures = 0;

  /** Counts a failure; gives ms. */
  next() {
    return Math.random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** Math.min(this.failures++, 16));
  }
}

/** @param {number} ms @param {AbortSignal} signal */
function pause(ms, signal) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  return promise;
}

/**
 * Tries until it works, or will never work.
 *
 * @template T
 * @param {AbortSignal} signal
 * @param {() => Promise<T>} attempt
 */
async function persist(signal, attempt) {
  for (const backoff = new Backoff(); ;) {
    try {
      const result = await attempt();
      signal.throwIfAborted();
      return result;
    } catch (error) {
      if (signal.aborted || !isTemporary(error)) throw error;
      await pause(hintOf(error) + backoff.next(), signal);
    }
  }
}

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

/** HTTP in the visitor's name, by the session's cookie or by a token. A refusal is met with one renewal. */
class Session {
  #url;
  #token;
  #onOver;
  /** @type {Promise<string> | null} */ #held = null;
  /** @type {Promise<void> | null} */ #renewing = null;
  #renewals = 0;
  /** The next call renews first. */
  isStale = false;

  /** @param {string} url @param {Token | undefined} token @param {(problem: CallboardProblem) => void} onOver */
  constructor(url, token, onOver) {
    this.#url = url;
    this.#token = token;
    this.#onOver = onOver;
  }

  /** @param {string} path @param {Call} [call] */
  async fetch(path, call = {}) {
    if (this.isStale) await this.#renew();
    const renewals = this.#renewals;
    try {
      return await this.#send(path, call);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    if (renewals === this.#renewals) await this.#renew();
    return await this.#lastly(this.#send(path, call));
  }

  /** @param {AbortSignal} signal @returns {Promise<string>} */
  async ticket(signal) {
    const late = AbortSignal.timeout(TICKET_WITHIN);
    const answer = await this.fetch(PATHS.ticket, { method: "POST", signal: AbortSignal.any([signal, late]) });
    return (await answer.json()).token;
  }

  /** A refusal here is the end of the session. @template T @param {Promise<T>} answer */
  async #lastly(answer) {
    try {
      return await answer;
    } catch (error) {
      if (isRefusal(error)) this.#onOver(error);
      throw error;
    }
  }

  /** Once for all who wait for it. */
  #renew() {
    this.#renewing ??= this.#replace().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #replace() {
    // One tab at a time: the refresh cookie is one for all of them.
    const refresh = () => this.#lastly(this.#refresh());
    if (this.#token !== undefined) await this.#bearer(true);
    else await (navigator.locks?.request(`callboard session ${this.#url}`, refresh) ?? refresh());
    this.#renewals += 1;
    this.isStale = false;
  }

  /** Asks again at once when the answer was lost: for 10 s the server repeats it, later it would be a stolen token. */
  async #refresh() {
    const post = () => this.#send(PATHS.refresh, { method: "POST" });
    return await post().catch((error) => {
      if (error instanceof CallboardProblem) throw error;
      return post();
    });
  }

  /** @param {boolean} refused  the one that is held is of no use any more */
  #bearer(refused) {
    const token = this.#token;
    if (this.#held && !refused) return this.#held;
    const held = (async () => (typeof token === "function" ? token({ refused }) : String(token)))();
    held.catch(() => this.#held === held && (this.#held = null));
    return (this.#held = held);
  }

  /** @param {string} path @param {Call} call */
  async #send(path, { method = "GET", json, query = {}, signal }) {
    // Else "http://callboard" + "@elsewhere" would send the token elsewhere.
    if (!path.startsWith("/")) throw new TypeError("a path begins with a slash");
    const address = new URL(this.#url + path);
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value ?? []].flat()) address.searchParams.append(name, String(one));
    }
    const headers = new Headers(json === undefined ? {} : { "Content-Type": "application/json" });
    if (this.#token !== undefined) headers.set("Authorization", `Bearer ${await this.#bearer(false)}`);
    const late = AbortSignal.timeout(ANSWER_WITHIN);
    const answer = await fetch(address, {
      method,
      headers,
      body: json === undefined ? null : JSON.stringify(json),
      credentials: this.#token === undefined ? "include" : "omit",
      cache: "no-store",
      redirect: "error",
      keepalive: path === PATHS.refresh, // a page that is left meanwhile must still get the new cookie
      signal: AbortSignal.any(signal ? [signal, late] : [late]),
    });
    if (!answer.ok) throw await CallboardProblem.of(answer);
    return answer;
  }
}

/** One socket: requests and replies, and the doubt whether it still lives. */
class Connection {
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
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
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

  /** @param {{url?: string, token?: Token}} [options]  by default the gateway that this module came from, and its cookie */
  constructor({ url = new URL(import.meta.url).origin, token } = {}) {
    const base = url.replace(/\/+$/, "");
    this.#address = base.replace(/^http/, "ws") + PATHS.socket;
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
    if (this.#run) return this.#hurry();
    this.#run = new AbortController();
    this.#backoff = new Backoff();
    const { signal } = this.#run;
    for (const type of ["online", "offline"]) addEventListener(type, () => this.#hurry(), { signal });
    const seen = () => document.visibilityState === "visible" && this.#hurry();
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

  #hurry() {
    if (this.#wait) this.#retry();
    else this.#connection?.probe();
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
    this.#setAway(null);
    this.#attempt(signal);
  }

  /** @param {string} reason @param {number} hint  ms; on top of it, for all clients of one outage are told the same */
  #retryLater(reason, hint) {
    const delay = hint + this.#backoff.next();
    this.#reason = reason;
    this.#wait = setTimeout(() => this.#retry(), delay);
    this.#setAway(Date.now() + delay);
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
    if (frame.type === "draining") this.#told = Math.min(frame.retryAfterMs || TOLD_DELAY, LONGEST_HINT);
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

/**
 * What can never be read is an error of the page's; that nothing is there yet, or the session is over, is not.
 *
 * @param {unknown} error
 * @param {AbortSignal} signal
 */
function report(error, signal) {
  const isExpected = error instanceof CallboardProblem && [401, 404].includes(error.status);
  if (!signal.aborted && !isExpected) reportError(error);
}

/** Executions, newest first: a snapshot, and what was heard since it was asked for. */
class ExecutionFollower {
  #callboard;
  #listener;
  #limit;
  /** @type {Status[]} */ #wanted;
  /** @type {Execution[]} */ #rows = [];
  #hasRows = false;
  /** Heard while a snapshot is on its way. @type {Map<string, Execution> | null} */
  #early = null;
  #loading = new AbortController();
  #ends;

  /** @param {Callboard} callboard @param {(executions: Execution[], changed: Execution | null) => void} listener @param {{status?: Status | Status[], limit?: number}} options */
  constructor(callboard, listener, { status = [], limit = 50 }) {
    this.#callboard = callboard;
    this.#listener = listener;
    this.#limit = limit;
    this.#wanted = [status].flat();
    this.#ends = [
      callboard.on("execution-updated", ({ data }) => this.#take(data)),
      callboard.on("connected", () => this.#load(0)),
      callboard.on("reset", ({ channel }) => channel === "org" && this.#load(Math.random() * RESET_SPREAD)),
    ];
    this.#load(0);
  }

  stop() {
    this.#loading.abort();
    for (const end of this.#ends) end();
  }

  /** @param {number} delay  ms */
  async #load(delay) {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    const early = (this.#early = new Map());
    const query = { status: this.#wanted, limit: this.#limit };
    const read = async () => (await this.#callboard.fetch("/producer/executions", { query, signal })).json();
    try {
      if (delay > 0) await pause(delay, signal);
      this.#rows = await persist(signal, read);
    } catch (error) {
      return report(error, signal);
    }
    this.#early = null;
    this.#hasRows = true;
    for (const execution of early.values()) this.#place(execution);
    tell(() => this.#listener([...this.#rows], null));
  }

  /** @param {Execution} execution */
  #take(execution) {
    this.#early?.set(execution.taskId, execution);
    if (this.#hasRows && this.#place(execution)) tell(() => this.#listener([...this.#rows], execution));
  }

  /** Puts it where it belongs; false if it is old news, or never was wanted. @param {Execution} execution */
  #place(execution) {
    const at = this.#rows.findIndex(({ taskId }) => taskId === execution.taskId);
    const known = this.#rows[at];
    if (known && known.version >= execution.version) return false;
    const isWanted = this.#wanted.length === 0 || this.#wanted.includes(execution.status);
    if (known) this.#rows.splice(at, 1);
    if (isWanted) {
      const next = this.#rows.findIndex(({ createdAt }) => createdAt <= execution.createdAt);
      this.#rows.splice(known ? at : next < 0 ? this.#rows.length : next, 0, execution);
      this.#rows.splice(this.#limit);
    }
    return isWanted || known !== undefined;
  }
}

/** One log, by line numbers: what the live chunks leave out is read over HTTP. */
class LogFollower {
  #callboard;
  #path;
  #listener;
  #onRestart;
  #isFixed;
  /** @type {number | null} */ #attempt;
  #last;
  /** Live chunks that wait for older lines. @type {LogChunk[]} */
  #early = [];
  /** @type {AbortController | null} */ #reading = null;
  /** Counts the holes that reading did not close: the lines are not there yet, and asking on and on does not help. */
  #stalled = new Backoff();
  #isStopped = false;
  #ends;

  /** @param {Callboard} callboard @param {string} taskId @param {(chunk: LogChunk) => void} listener @param {{attempt?: number, after?: number, onRestart?: (attempt: number) => void}} options */
  constructor(callboard, taskId, listener, { attempt, after = 0, onRestart }) {
    this.#callboard = callboard;
    this.#path = `/producer/executions/${encodeURIComponent(taskId)}/logs`;
    this.#listener = listener;
    this.#onRestart = onRestart;
    this.#isFixed = attempt !== undefined;
    this.#attempt = attempt ?? null;
    this.#last = after;
    const name = `execution:${taskId}`;
    const subscription = callboard.subscribe(name, {
      onEvent: ({ data }) => this.#hear(data),
      onJoined: ({ position }) => position !== `${this.#attempt}:${this.#last}` && this.#catchUp(),
    });
    this.#ends = [subscription.close, callboard.on("reset", ({ channel }) => channel === name && this.#catchUp())];
    this.#catchUp();
  }

  stop() {
    this.#isStopped = true;
    this.#reading?.abort();
    for (const end of this.#ends) end();
  }

  /** @param {LogChunk} chunk */
  #hear(chunk) {
    const { attempt, firstLine, lines } = chunk;
    const isOther = attempt !== this.#attempt;
    if (this.#isStopped || (isOther && (this.#isFixed || attempt < (this.#attempt ?? 0)))) return;
    const isNext = isOther ? this.#attempt !== null && firstLine === 1 : firstLine <= this.#last + 1;
    if (this.#reading || !isNext) {
      this.#early = [...this.#early, chunk].slice(-MOST_EARLY_CHUNKS);
      if (!this.#reading) this.#catchUp(this.#stalled.failures++ && this.#stalled.next());
      return;
    }
    if (isOther) this.#restart(attempt);
    this.#deliver(lines.slice(this.#last + 1 - firstLine));
  }

  async #catchUp(delay = 0) {
    this.#reading?.abort();
    const { signal } = (this.#reading = new AbortController());
    try {
      if (delay > 0) await pause(delay, signal);
      await this.#readToEnd(signal);
    } catch (error) {
      report(error, signal);
    }
    if (signal.aborted) return;
    this.#reading = null;
    for (const chunk of this.#early.splice(0)) this.#hear(chunk);
  }

  /** The attempt that is followed, and when another has begun then that one. @param {AbortSignal} signal */
  async #readToEnd(signal) {
    for (let next = /** @type {number | null} */ (null); ;) {
      const page = await this.#read(this.#isFixed || next !== null ? this.#attempt : null, signal);
      const end = Number(page.position.split(":")[1]);
      // Nobody can have seen lines beyond the end: they were of an attempt before this one.
      if (this.#attempt === null && end < this.#last) {
        this.#restart(page.attempt);
        continue;
      }
      this.#attempt ??= page.attempt;
      if (page.attempt !== this.#attempt) next = page.attempt;
      else {
        this.#deliver(page.lines);
        if (page.nextAfter !== null && page.lines.length > 0) continue;
        if (next === null) return;
        this.#restart(next);
        next = null;
      }
    }
  }

  /** @param {number | null} attempt  null: the current one @param {AbortSignal} signal @returns {Promise<LogPage>} */
  #read(attempt, signal) {
    const query = { attempt, after: this.#last };
    return persist(signal, async () => (await this.#callboard.fetch(this.#path, { query, signal })).json());
  }

  /** @param {number} attempt */
  #restart(attempt) {
    this.#attempt = attempt;
    this.#last = 0;
    tell(() => this.#onRestart?.(attempt));
  }

  /** @param {string[]} lines  those after the last one */
  #deliver(lines) {
    if (lines.length === 0) return;
    const { attempt, firstLine } = { attempt: this.#attempt ?? 0, firstLine: this.#last + 1 };
    this.#last += lines.length;
    this.#stalled = new Backoff();
    tell(() => this.#listener({ attempt, firstLine, lines }));
  }
}
