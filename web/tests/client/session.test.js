import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { CallboardProblem } from "../../callboard.js";
import { inBrowser } from "./browser.js";
import { json, problem, URL_OF_GATEWAY } from "./gateway.js";

const ME = "/auth/api/users/me";
const REFRESH = "/auth/api/refresh";

/** @param {Promise<unknown>} promise @returns {Promise<any>} what it was rejected with */
async function refusal(promise) {
  return promise.then(
    () => assert.fail("it was not refused"),
    (error) => error,
  );
}

test(
  "a cookie that has run out is refreshed once, and the call is made again",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    browser.gateway.session.isPrimaryValid = false;
    const answer = await callboard.fetch(ME);
    assert.equal((await answer.json()).user.id, "user-1");
    assert.deepEqual(browser.gateway.calls, [`GET ${ME}`, `POST ${REFRESH}`, `GET ${ME}`]);
    assert.equal(browser.gateway.lastCall.credentials, "include");
    assert.equal(new Headers(browser.gateway.lastCall.headers).has("Authorization"), false);
  }),
);

test(
  "calls that are refused together share one refresh",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    browser.gateway.session.isPrimaryValid = false;
    await Promise.all([callboard.fetch(ME), callboard.fetch(ME), callboard.fetch("/producer/executions")]);
    assert.equal(browser.gateway.session.refreshes, 1);
  }),
);

test(
  "a call whose 401 comes after another call's refresh makes no second one",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    browser.gateway.session.isPrimaryValid = false;
    /** @type {(answer: Response) => void} */
    let answerLate = () => {};
    browser.gateway.fail("/producer/executions", () => new Promise((resolve) => (answerLate = resolve)));
    const late = callboard.fetch("/producer/executions");
    await callboard.fetch(ME);
    answerLate(problem(401, "invalid-token"));
    await late;
    assert.equal(browser.gateway.session.refreshes, 1);
  }),
);

test(
  "a refresh is under the lock that tabs share, and outlives its page",
  inBrowser(async (browser) => {
    const request = mock.method(navigator.locks, "request");
    /** @type {unknown[]} */
    const kept = [];
    browser.gateway.fail(REFRESH, () => {
      kept.push(browser.gateway.lastCall.keepalive, request.mock.callCount());
      browser.gateway.session.isPrimaryValid = true;
      return json({});
    });
    browser.gateway.session.isPrimaryValid = false;
    await browser.open().fetch(ME);
    assert.deepEqual(kept, [true, 1]);
    assert.equal(request.mock.calls[0]?.arguments[0], `callboard session ${URL_OF_GATEWAY}`);
  }),
);

test(
  "a browser without Web Locks refreshes all the same",
  inBrowser(async (browser) => {
    Object.defineProperty(navigator, "locks", { value: undefined });
    browser.gateway.session.isPrimaryValid = false;
    await browser.open().fetch(ME);
    assert.equal(browser.gateway.session.refreshes, 1);
  }),
);

test(
  "a refresh whose answer was lost is asked for again at once",
  inBrowser(async (browser) => {
    browser.gateway.session.isPrimaryValid = false;
    browser.gateway.fail(REFRESH, () => {
      throw new TypeError("Failed to fetch");
    });
    await browser.open().fetch(ME);
    assert.equal(browser.gateway.session.refreshes, 1);
  }),
);

test(
  "a refresh that cannot be had now ends nothing",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.session.isPrimaryValid = false;
    browser.gateway.fail(REFRESH, () => problem(503, "unavailable", { "Retry-After": "2" }));
    assert.equal((await refusal(callboard.fetch(ME))).status, 503);
    assert.equal(callboard.state.name, "live");
    await callboard.fetch(ME);
  }),
);

test(
  "a session that is over ends the state, and the socket with it",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.session.isOver = true;
    const error = await refusal(callboard.fetch(ME));
    assert.ok(error instanceof CallboardProblem);
    assert.equal(error.status, 401);
    const reason = "Refused: invalid-refresh-token";
    assert.deepEqual(callboard.state, { name: "ended", code: 401, reason, cause: "session" });
    assert.equal(browser.gateway.sockets.length, 0);
  }),
);

test(
  "somebody who has no session and has not connected is idle, not ended",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    browser.gateway.session.isOver = true;
    await refusal(callboard.fetch(ME));
    assert.equal(callboard.state.name, "idle");
  }),
);

test(
  "a wrong password is no matter of the session",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive();
    browser.gateway.fail("/auth/api/login", () => problem(401, "invalid-credentials"));
    const error = await refusal(callboard.fetch("/auth/api/login", { method: "POST", json: {} }));
    assert.equal(error.code, "invalid-credentials");
    assert.equal(browser.gateway.session.refreshes, 0);
    assert.equal(callboard.state.name, "live");
  }),
);

test(
  "a token function is asked once, and again when its token is refused",
  inBrowser(async (browser) => {
    const token = mock.fn(async (/** @type {{refused: boolean}} */ { refused }) =>
      refused ? "primary-2" : "primary-1",
    );
    const callboard = await browser.openLive({ token });
    await callboard.fetch(ME);
    browser.gateway.tokens = new Set(["primary-2"]);
    await Promise.all([callboard.fetch(ME), callboard.fetch(ME)]);
    assert.deepEqual(
      token.mock.calls.map((call) => call.arguments[0]),
      [{ refused: false }, { refused: true }],
    );
    assert.equal(browser.gateway.lastCall.credentials, "omit");
    assert.equal(browser.gateway.session.refreshes, 0);
  }),
);

test(
  "a token function that fails is tried again with the connection",
  inBrowser(async (browser) => {
    let isUp = false;
    const token = async () => {
      if (!isUp) throw new TypeError("Failed to fetch");
      return "primary-1";
    };
    const callboard = browser.open({ token });
    callboard.connect();
    await browser.until(() => callboard.state.name === "reconnecting");
    isUp = true;
    await browser.eventually(() => callboard.state.name === "live");
  }),
);

test(
  "a fixed token that is refused is the end of the session",
  inBrowser(async (browser) => {
    const callboard = await browser.openLive({ token: "primary-1" });
    browser.gateway.tokens.clear();
    await refusal(callboard.fetch(ME));
    assert.equal(callboard.state.name, "ended");
  }),
);

test(
  "a problem is told with all that it says",
  inBrowser(async (browser) => {
    const body = { type: "about:blank#invalid", title: "Unprocessable", status: 422, detail: "This body is wrong." };
    const errors = [{ location: ["body", "name"], message: "is missing" }];
    const headers = { "Retry-After": "7" };
    browser.gateway.fail(ME, () =>
      Response.json({ ...body, code: "invalid", requestId: "r-9", errors }, { status: 422, headers }),
    );
    const error = await refusal(browser.open().fetch(ME));
    assert.ok(error instanceof CallboardProblem);
    const { name, message, status, code, title, detail, retryAfter, requestId, temporary } = error;
    assert.deepEqual(
      { name, message, status, code, title, detail, retryAfter, requestId, temporary, errors: error.errors },
      {
        name: "CallboardProblem",
        message: "This body is wrong.",
        status: 422,
        code: "invalid",
        title: "Unprocessable",
        detail: "This body is wrong.",
        retryAfter: 7,
        requestId: "r-9",
        temporary: false,
        errors,
      },
    );
  }),
);

for (const body of ["<h1>Bad Gateway</h1>", "", "null", "[]", '"no"', '{"code": 7, "errors": null, "detail": []}']) {
  test(
    `an answer that is no problem (${body}) is one all the same`,
    inBrowser(async (browser) => {
      const headers = { "X-Request-Id": "r-5", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT" };
      browser.gateway.fail(ME, () => new Response(body, { status: 502, headers }));
      const { status, code, title, detail, errors, requestId, retryAfter, temporary } = await refusal(
        browser.open().fetch(ME),
      );
      assert.deepEqual(
        { status, code, title, detail, errors, requestId, retryAfter, temporary },
        {
          status: 502,
          code: "http-502",
          title: "HTTP 502",
          detail: "HTTP 502",
          errors: [],
          requestId: "r-5",
          retryAfter: null,
          temporary: true,
        },
      );
    }),
  );
}

test(
  "a query may have several values of a name, and none",
  inBrowser(async (browser) => {
    const query = { status: ["PASSED", "FAILED"], limit: 5, cursor: null, attempt: undefined, text: "a&b" };
    await browser.open().fetch("/producer/executions", { query });
    assert.deepEqual(browser.gateway.calls, [
      "GET /producer/executions?status=PASSED&status=FAILED&limit=5&text=a%26b",
    ]);
  }),
);

test(
  "a credential goes to no other host, whatever the path",
  inBrowser(async (browser) => {
    const callboard = browser.open({ token: "primary-1" });
    for (const path of ["@elsewhere.test/", "https://elsewhere.test/", ".elsewhere.test/", ""]) {
      assert.ok((await refusal(callboard.fetch(path))) instanceof TypeError);
    }
    assert.deepEqual(browser.gateway.calls, []);
    await refusal(callboard.fetch("//elsewhere.test/"));
    assert.deepEqual(browser.gateway.calls, ["GET //elsewhere.test/"]);
    assert.equal(browser.gateway.lastCall.redirect, "error");
  }),
);

test(
  "a call that was given up is aborted, one that nobody answers as well",
  inBrowser(async (browser) => {
    const callboard = browser.open();
    const leaving = new AbortController();
    const call = refusal(callboard.fetch(ME, { signal: leaving.signal }));
    leaving.abort();
    assert.equal((await call).name, "AbortError");
    mock.method(AbortSignal, "timeout", (/** @type {number} */ ms) => {
      assert.equal(ms, 30_000);
      return AbortSignal.abort(new DOMException("late", "TimeoutError"));
    });
    assert.equal((await refusal(callboard.fetch(ME))).name, "TimeoutError");
  }),
);
