/**
 * A gateway in memory that behaves by PROTOCOL.md, as far as the client sees it. `scenario.test.js` and the tests in
 * Chromium run the same scenario against it and against a real suite.
 *
 * @typedef {import("../../callboard.js").Execution} Execution
 * @typedef {import("../../callboard.js").Status} Status
 * @typedef {{execution: Execution, attempts: string[][]}} Task
 */

import { FakeSocket } from "./socket.js";

export const URL_OF_GATEWAY = "http://callboard.test";
const PAGE_LINES = 1_000;

/** @param {string | null} text */
function numberOf(text) {
  return text === null ? null : Number(text);
}

export class Gateway {
  /** The session behind the cookies. */
  session = { isOver: false, isPrimaryValid: true, refreshes: 0 };
  /** Primary tokens that are accepted as Bearer. */
  tokens = new Set(["primary-1"]);
  /** Every HTTP call: method, path and query. @type {string[]} */
  calls = [];
  /** Options of the last call. @type {RequestInit} */
  lastCall = {};
  /** Every message that a socket sent. @type {any[]} */
  heard = [];
  /** @type {FakeSocket[]} */
  sockets = [];
  /** @type {Map<string, Task>} */
  tasks = new Map();
  isCut = false;
  /** Messages get no reply. */
  isSilent = false;
  /** The answer to the next message. @type {{code: string, temporary: boolean} | null} */
  #refusal = null;
  pageLines = PAGE_LINES;
  /** Answers that come first, by path; a function may throw, as `fetch` does. @type {Map<string, (() => Response | Promise<Response>)[]>} */
  #faults = new Map();
  #tickets = new Set();
  #minted = 0;
  #seconds = 0;
  #offsets = new Map();
  epoch = "e1";

  /** @param {string} path @param {...(() => Response | Promise<Response>)} answers */
  fail(path, ...answers) {
    this.#faults.set(path, [...(this.#faults.get(path) ?? []), ...answers]);
  }

  /** @param {string} channel */
  position(channel) {
    const task = this.tasks.get(channel.replace("execution:", ""));
    if (channel.startsWith("execution:")) return `${task?.attempts.length ?? 1}:${task?.attempts.at(-1)?.length ?? 0}`;
    return `${this.epoch}:${this.#offsets.get(channel) ?? 0}`;
  }

  // -- what workers do

  /** By EXEC-3 to EXEC-6. @param {string} taskId @param {Status} status @param {{attempt?: number} & Record<string, unknown>} [fields] */
  post(taskId, status, { attempt, ...kept } = {}) {
    const known = this.tasks.get(taskId);
    const now = known?.execution;
    const attempts = known?.attempts ?? [[]];
    const isNext = attempt !== undefined && attempt > attempts.length;
    const changes = Object.entries({ ...kept, status }).some(([name, value]) => now?.[name] !== value);
    if (now && !isNext && !changes) return now;
    if (now && !isNext && !["PENDING", "RUNNING"].includes(now.status)) throw new Error("attempt-over");
    while (isNext && attempts.length < attempt) attempts.push([]);
    const moment = new Date(Date.UTC(2030, 0, 1, 0, 0, this.#seconds++)).toISOString();
    const version = (now?.version ?? 0) + 1;
    const fresh = { startTime: null, endTime: null, organizationId: "org-1", createdAt: moment };
    const row = { taskId, status, attempt: attempts.length, version, updatedAt: moment };
    const execution = { ...fresh, ...now, ...kept, ...row };
    this.tasks.set(taskId, { execution, attempts });
    this.publish("org", "execution-updated", execution);
    return execution;
  }

  /** Appends lines to the current attempt; `isHeard`: false for a chunk that the bus loses. @param {string} taskId @param {string[]} lines @param {{isHeard?: boolean}} [how] */
  log(taskId, lines, { isHeard = true } = {}) {
    const { attempts } = this.#task(taskId);
    const stored = /** @type {string[]} */ (attempts.at(-1));
    const firstLine = stored.length + 1;
    stored.push(...lines);
    const data = { taskId, attempt: attempts.length, firstLine, lines };
    if (isHeard) this.publish(`execution:${taskId}`, "execution-log", data);
  }

  /** @param {string} channel @param {string} type @param {unknown} data @param {FakeSocket} [origin] @param {string} [replyTo] */
  publish(channel, type, data, origin, replyTo) {
    this.#offsets.set(channel, (this.#offsets.get(channel) ?? 0) + 1);
    const event = { type, channel, position: this.position(channel), at: "2030-01-01T00:00:00.000Z", data };
    for (const socket of this.sockets.filter(({ channels }) => channels.has(channel))) {
      socket.say(socket === origin ? { ...event, type: "echo", replyTo } : event);
    }
  }

  // -- what happens to the line

  /** @param {number} code @param {string} [reason] */
  closeAll(code, reason = "") {
    for (const socket of this.sockets.splice(0)) socket.end(code, reason);
  }

  /** @param {Record<string, unknown>} frame */
  sayToAll(frame) {
    for (const socket of this.sockets) socket.say(frame);
  }

  cut() {
    this.isCut = true;
    this.closeAll(1006);
  }

  mend() {
    this.isCut = false;
  }

  // -- HTTP

  /** @param {string | URL} address @param {RequestInit} [options] @returns {Promise<Response>} */
  async fetch(address, options = {}) {
    const { pathname, searchParams, search } = new URL(address);
    const method = options.method ?? "GET";
    this.calls.push(`${method} ${pathname}${search}`);
    this.lastCall = options;
    options.signal?.throwIfAborted();
    await new Promise(setImmediate);
    options.signal?.throwIfAborted();
    if (this.isCut) throw new TypeError("Failed to fetch");
    const fault = this.#faults.get(pathname)?.shift();
    if (fault) return fault();
    if (pathname === "/auth/api/refresh") return this.#refresh();
    if (!this.#isKnown(new Headers(options.headers))) return problem(401, "not-authenticated");
    return this.#route(pathname, searchParams);
  }

  /** @param {Headers} headers */
  #isKnown(headers) {
    const bearer = headers.get("Authorization")?.replace("Bearer ", "");
    return bearer === undefined ? this.session.isPrimaryValid && !this.session.isOver : this.tokens.has(bearer);
  }

  #refresh() {
    this.session.refreshes += 1;
    if (this.session.isOver) return problem(401, "invalid-refresh-token");
    this.session.isPrimaryValid = true;
    return json({ token: "not for pages with a cookie" });
  }

  /** @param {string} path @param {URLSearchParams} query */
  #route(path, query) {
    if (path === "/social/api/socials/connect-token")
      return json({ success: true, token: this.#mint(), expiresIn: 10 });
    if (path === "/auth/api/users/me") return json({ user: { id: "user-1" }, organization: { id: "org-1" } });
    if (path === "/producer/executions") return this.#list(query);
    const task = this.tasks.get(decodeURIComponent(path.match(/^\/producer\/executions\/([^/]+)\/logs$/)?.[1] ?? ""));
    return task ? this.#page(task, query) : problem(404, "execution-not-found");
  }

  #mint() {
    const ticket = `ticket-${++this.#minted}`;
    this.#tickets.add(ticket);
    return ticket;
  }

  /** @param {URLSearchParams} query */
  #list(query) {
    const wanted = query.getAll("status");
    const all = [...this.tasks.values()].map(({ execution }) => execution).reverse();
    const found = all.filter(({ status }) => wanted.length === 0 || wanted.includes(status));
    return json(found.slice(0, Number(query.get("limit") ?? 50)), { "X-Position": this.position("org") });
  }

  /** @param {Task} task @param {URLSearchParams} query */
  #page({ attempts }, query) {
    const attempt = numberOf(query.get("attempt")) ?? attempts.length;
    const after = numberOf(query.get("after")) ?? 0;
    const stored = attempts[attempt - 1] ?? [];
    const lines = stored.slice(after, after + this.pageLines);
    const reached = lines.length > 0 ? after + lines.length : stored.length;
    const nextAfter = reached < stored.length ? reached : null;
    return json({ attempt, firstLine: after + 1, lines, position: `${attempt}:${reached}`, nextAfter });
  }

  /** @param {string} taskId */
  #task(taskId) {
    return /** @type {Task} */ (this.tasks.get(taskId));
  }

  // -- sockets

  /** @param {{code: string, temporary: boolean}} refusal */
  refuseNext(refusal) {
    this.#refusal = refusal;
  }

  /** @param {FakeSocket} socket @param {string[]} protocols */
  accept(socket, protocols) {
    const ticket = protocols[1]?.replace("ticket.", "") ?? "";
    if (this.isCut) return socket.end(1006, "");
    if (protocols[0] !== "callboard.v1" || !this.#tickets.delete(ticket)) return socket.end(4401, "Token already used");
    this.sockets.push(socket);
    const channels = [...socket.channels].map((channel) => ({
      channel,
      position: this.position(channel),
      recovered: null,
    }));
    const identity = { userId: "user-1", login: "ada", organizationId: "org-1", role: "owner", expiresAt: null };
    socket.say({ type: "connected", connectionId: `c${this.#minted}`, message: "Welcome!", ...identity, channels });
  }

  /** @param {FakeSocket} socket @param {any} message */
  hear(socket, message) {
    this.heard.push(message);
    if (this.isSilent) return;
    const { type, id, channel } = message;
    const replyTo = id === undefined ? {} : { replyTo: id };
    const refused = this.#refusal;
    this.#refusal = null;
    if (refused) return socket.say({ ...error(refused.code, replyTo), ...refused });
    if (type === "ping") return socket.say({ type: "pong", ...replyTo });
    if (type === "chat")
      return this.publish("room:general", "chat", { content: message.content, login: "ada" }, socket, id);
    if (type === "unsubscribe") {
      socket.channels.delete(channel);
      return socket.say({ type: "unsubscribed", channel, ...replyTo });
    }
    if (type !== "subscribe" || channel === undefined) return socket.say(error("protocol-violation", replyTo));
    if (/^room:(?!general$)/.test(channel)) return socket.say(error("forbidden", replyTo));
    if (!/^(org|logs|room:general|execution:[\w.~-]+)$/.test(channel))
      return socket.say(error("unknown-channel", replyTo));
    socket.channels.add(channel);
    socket.say({ type: "subscribed", channel, position: this.position(channel), recovered: null, ...replyTo });
  }
}

/** @param {string} code @param {Record<string, unknown>} replyTo */
function error(code, replyTo) {
  return { type: "error", code, message: `Refused: ${code}`, temporary: false, ...replyTo };
}

/** An answer that comes when the test wants it. */
export function held() {
  const { promise, resolve } = /** @type {PromiseWithResolvers<Response>} */ (Promise.withResolvers());
  return { wait: () => promise, answer: resolve };
}

/** @param {unknown} content @param {Record<string, string>} [headers] */
export function json(content, headers = {}) {
  return Response.json(content, { headers });
}

/** @param {number} status @param {string} code @param {Record<string, string>} [headers] */
export function problem(status, code, headers = {}) {
  const body = { type: `about:blank#${code}`, title: "No", status, detail: `Refused: ${code}`, code, requestId: "r-1" };
  return Response.json(body, { status, headers: { ...headers, "Content-Type": "application/problem+json" } });
}
