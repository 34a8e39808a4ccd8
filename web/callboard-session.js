/** Who calls, and what comes of it: the session, problems, and patience. */

/**
 * @typedef {import("./callboard.js").Call} Call
 * @typedef {import("./callboard.js").Token} Token
 */

const TICKET_PATH = "/social/api/socials/connect-token";
const REFRESH_PATH = "/auth/api/refresh";
const FIRST_DELAY = 500;
const LONGEST_DELAY = 20_000;
/** A longer Retry-After is cut to this, lest a slip at the other end silence a page for a day. */
export const LONGEST_HINT = 120_000;
const TICKET_WITHIN = 15_000;
const ANSWER_WITHIN = 30_000;
/** A 401 that is about what was sent, not about who sent it. */
const OTHER_REFUSALS = ["invalid-credentials", "invalid-api-token"];

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

/** @param {unknown} error  @returns {error is CallboardProblem} */
function isRefusal(error) {
  return error instanceof CallboardProblem && error.status === 401 && !OTHER_REFUSALS.includes(error.code);
}

/** What is no answer of the server's may be another one next time. @param {unknown} error */
export function isTemporary(error) {
  return !(error instanceof CallboardProblem) || error.temporary;
}

/** The delay that the server asked for, in ms. @param {unknown} error */
export function hintOf(error) {
  return error instanceof CallboardProblem ? Math.min((error.retryAfter ?? 0) * 1_000, LONGEST_HINT) : 0;
}

/** Calls a listener; what it throws must not stop us or others. @param {() => unknown} call */
export function tell(call) {
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
export function pause(ms, signal) {
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
export async function persist(signal, attempt) {
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

/** HTTP in the visitor's name, by the session's cookie or by a token. A refusal is met with one renewal. */
export class Session {
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
    const answer = await this.fetch(TICKET_PATH, { method: "POST", signal: AbortSignal.any([signal, late]) });
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
    const post = () => this.#send(REFRESH_PATH, { method: "POST" });
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
      keepalive: path === REFRESH_PATH, // a page that is left meanwhile must still get the new cookie
      signal: AbortSignal.any(signal ? [signal, late] : [late]),
    });
    if (!answer.ok) throw await CallboardProblem.of(answer);
    return answer;
  }
}
