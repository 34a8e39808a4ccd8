/** Wires the dashboard together and shows what the address says. */

import { SignInPage } from "./account/sign-in-page.js";
import { SignUpPage } from "./account/sign-up-page.js";
import { element, fill } from "./elements.js";
import { isOver } from "./ended-banner.js";
import { ExecutionPage } from "./executions/execution-page.js";
import { ExecutionsPage } from "./executions/executions-page.js";
import { Frame } from "./frame.js";
import { Keys } from "./keys.js";
import { MissingPage } from "./missing-page.js";
import { PageClient } from "./page-client.js";
import { problemText } from "./problem-text.js";
import { HOME, SIGN_IN, followAddress, placeAfterSignIn, signInFrom } from "./router.js";
import { Session } from "./session.js";
import { Clock } from "./times.js";
import { TokensPage } from "./tokens/tokens-page.js";

/**
 * @typedef {import("./app.js").App} App
 * @typedef {import("./app.js").Page} Page
 * @typedef {import("./router.js").Route} Route
 */

const DOORS = ["sign-in", "sign-up"];
/** In ms: how often a tab that people come back to asks whose cookie it has. */
const COMPARED_AFTER = 10_000;

/**
 * @param {App} app
 * @param {string[]} path
 * @returns {Page}
 */
function pageFor(app, path) {
  const [place, taskId, attempt] = path;
  if (place === "sign-in" && path.length === 1) return new SignInPage(app);
  if (place === "sign-up" && path.length === 1) return new SignUpPage(app);
  if (place === "tokens" && path.length === 1) return new TokensPage(app);
  if (place === "executions" && path.length === 1) return new ExecutionsPage(app);
  if (place === "executions" && taskId && path.length === 2) return new ExecutionPage(app, taskId, null);
  if (place === "executions" && taskId && path.length === 3 && /^[1-9]\d{0,6}$/.test(attempt ?? "")) {
    return new ExecutionPage(app, taskId, Number(attempt));
  }
  return new MissingPage();
}

/** One page at a time, and only such as the visitor may see. */
class Dashboard {
  #app;
  #frame;
  /** @type {Page | null} */
  #page = null;
  #path = "";
  #comparedAt = -COMPARED_AFTER;

  /** @param {Pick<App, "callboard" | "session">} parts */
  constructor(parts) {
    /** @type {App} */
    this.#app = {
      ...parts,
      clock: new Clock(),
      keys: new Keys(),
      listAddress: HOME,
      announce: (text) => this.#frame.announce(text),
    };
    this.#frame = new Frame(this.#app, () => this.#signOut());
    this.#watchIdentity();
  }

  start() {
    if (this.#app.session.account) this.#app.callboard.connect();
    followAddress((route) => this.#show(route));
  }

  /** @param {Route} route */
  #show(route) {
    const elsewhere = this.#redirection(route);
    if (elsewhere !== null) return location.replace(elsewhere);
    const path = route.path.join("/");
    const isNew = path !== this.#path || this.#page === null;
    if (isNew) this.#change(route, path);
    this.#page?.show(route);
  }

  /**
   * @param {Route} route
   * @param {string} path
   */
  #change(route, path) {
    const isFirst = this.#page === null;
    // Nothing of the last person's stays in the page for the next one.
    if (isDoor(path) && !isFirst && !isDoor(this.#path)) return location.reload();
    this.#page?.stop();
    this.#page = pageFor(this.#app, route.path);
    this.#path = path;
    this.#frame.show(this.#page, `#/${route.path[0]}`);
    if (!isFirst) this.#frame.focusHeading();
  }

  /**
   * Where this visitor goes instead; null: nowhere.
   *
   * @param {Route} route
   */
  #redirection({ path, query }) {
    const isAtDoor = isDoor(path[0] ?? "");
    if (this.#app.session.account === null) return isAtDoor ? null : signInFrom(location.hash);
    if (isAtDoor) return placeAfterSignIn(query.get("next"));
    return path.length === 0 ? HOME : null;
  }

  async #signOut() {
    await this.#app.session.signOut();
    location.hash = SIGN_IN;
  }

  #watchIdentity() {
    const { callboard, clock, session } = this.#app;
    callboard.on("state", (state) => {
      clock.isStopped = state.name === "ended";
      // The page stays as it is; the next address asks for a sign-in.
      if (state.name === "ended" && isOver(state.cause)) session.account = null;
    });
    callboard.on("connected", ({ userId, organizationId }) => session.isShownTo(userId, organizationId));
    addEventListener("focus", () => this.#compare());
    document.addEventListener("visibilitychange", () => this.#compare());
  }

  /** Others may have signed in where no tab of ours could tell. */
  #compare() {
    const now = performance.now();
    if (document.hidden || isDoor(this.#path) || now - this.#comparedAt < COMPARED_AFTER) return;
    this.#comparedAt = now;
    // Without an answer nothing is known; the connection's pill says how it is.
    this.#app.session.compare().catch(() => {});
  }
}

/** @param {string} path */
function isDoor(path) {
  return DOORS.includes(path.split("/")[0] ?? "");
}

async function begin() {
  const callboard = new PageClient();
  const session = new Session(callboard, new BroadcastChannel("callboard identity"), () => location.reload());
  try {
    await session.load();
  } catch (error) {
    showFailure(error);
    return;
  }
  new Dashboard({ callboard, session }).start();
}

/** @param {unknown} error */
function showFailure(error) {
  const again = element(
    "button",
    { type: "button", class: "button primary", onclick: () => location.reload() },
    "Try again",
  );
  const text = element("p", {}, problemText(error));
  fill(
    document.body,
    element("main", { class: "failure" }, element("h1", {}, "Callboard is not answering"), text, again),
  );
}

begin();
