/** What `followExecutions` and `followLog` do: a snapshot over HTTP, then live events, without a seam. */

import { Backoff, CallboardProblem, pause, persist, tell } from "./callboard-session.js";

/**
 * @typedef {import("./callboard.js").Callboard} Callboard
 * @typedef {import("./callboard.js").Execution} Execution
 * @typedef {import("./callboard.js").LogChunk} LogChunk
 * @typedef {import("./callboard.js").LogPage} LogPage
 * @typedef {import("./callboard.js").Status} Status
 */

/** All who are told to fetch a snapshot are told at the same moment. */
const RESET_SPREAD = 1_000;
/** Bound of live chunks that wait while older lines are read; what falls out is read over HTTP as well. */
const MOST_EARLY_CHUNKS = 64;

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
export class ExecutionFollower {
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
export class LogFollower {
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
    this.#ends = [
      subscription.close,
      callboard.on("reset", ({ channel }) => channel === name && this.#catchUp(Math.random() * RESET_SPREAD)),
    ];
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
    return persist(signal, async () => {
      const page = await (await this.#callboard.fetch(this.#path, { query, signal })).json();
      // Whatever stands in between answered with something else; under other numbers it would be a lie.
      if (page.firstLine !== query.after + 1) throw new CallboardProblem({ code: "other-lines", temporary: true });
      return page;
    });
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
