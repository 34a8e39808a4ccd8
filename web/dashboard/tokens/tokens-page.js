/**
 * The API tokens of the organisation's workers.
 *
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 */

import { confirmed } from "../dialog.js";
import { element, fill } from "../elements.js";
import { Form } from "../form.js";
import { codeOf, problemText, statusOf } from "../problem-text.js";
import { LIFETIMES, expiryOf, oldTokenText, rotationOf } from "./lifetime.js";
import { newToken } from "./new-token.js";
import { rotationForm } from "./rotation-form.js";
import { tokenElement } from "./token-entry.js";

/** @typedef {import("./token-entry.js").ApiToken} ApiToken */

const PATH = "/auth/api/v1/tokens";

/** @implements {Page} */
export class TokensPage {
  title = "API tokens";
  #app;
  #content = element("div", { class: "stack" });
  #shownOnce = element("div");
  #list = element("div");
  #form = new Form({
    fields: [
      {
        name: "name",
        label: "Name",
        autocomplete: "off",
        maxlength: 128,
        hint: "Where it will be used, such as “laptop” or “nightly tests”.",
      },
      { name: "lifetime", label: "Expires", options: LIFETIMES },
    ],
    submit: "Create token",
    busy: "Creating…",
    places: { "expiry-out-of-range": "lifetime" },
    onSubmit: (values) => this.#create(values),
  });

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    const intro =
      "A worker proves with an API token that it belongs to your organisation. It can post executions and read what you read; it cannot manage anything.";
    this.element = element(
      "div",
      { class: "page narrow" },
      element("header", { class: "page-head" }, element("h1", { tabindex: -1 }, "API tokens")),
      element("p", { class: "muted intro" }, intro),
      this.#content,
    );
    if (app.session.mayAdminister) this.#open();
    else fill(this.#content, notAllowed(app.session.account?.user.role ?? "viewer"));
  }

  show() {}

  stop() {}

  #open() {
    const making = element(
      "section",
      { class: "card", "aria-labelledby": "new-token" },
      element("h2", { id: "new-token" }, "New token"),
      this.#form.element,
    );
    const existing = element(
      "section",
      { "aria-labelledby": "tokens" },
      element("h2", { id: "tokens", tabindex: -1 }, "Tokens in use"),
      this.#list,
    );
    fill(this.#content, this.#shownOnce, making, existing);
    this.#load();
  }

  async #load() {
    try {
      const answer = await this.#app.callboard.fetch(PATH);
      const { tokens } = /** @type {{tokens: ApiToken[]}} */ (await answer.json());
      this.#drawList(tokens.toReversed());
    } catch (error) {
      this.#failed(error, () => this.#load());
    }
  }

  /** @param {ApiToken[]} tokens  newest first */
  #drawList(tokens) {
    if (tokens.length === 0) return fill(this.#list, element("p", { class: "nothing" }, "No tokens yet."));
    const entries = tokens.map((token) =>
      tokenElement(token, { onRotate: () => this.#askToRotate(token), onRevoke: () => this.#revoke(token) }),
    );
    fill(this.#list, element("ul", { class: "tokens", role: "list" }, ...entries));
  }

  /** @param {Record<string, string>} values */
  async #create({ name, lifetime = "" }) {
    const expiresAt = expiryOf(lifetime, Date.now());
    const answer = await this.#app.callboard.fetch(PATH, { method: "POST", json: { name, expiresAt } });
    const { token } = await answer.json();
    this.#form.reset();
    this.#showOnce(newToken(String(name), token, () => this.#done()));
    await this.#load();
  }

  /** @param {HTMLElement} panel */
  #showOnce(panel) {
    fill(this.#shownOnce, panel);
    panel.querySelector("h2")?.focus();
  }

  #done() {
    fill(this.#shownOnce);
    this.element.querySelector("h1")?.focus();
  }

  /** @param {ApiToken} token */
  #askToRotate(token) {
    this.#showOnce(
      rotationForm(
        token,
        (choice) => this.#rotate(token, choice),
        () => this.#done(),
      ),
    );
  }

  /**
   * @param {ApiToken} old
   * @param {{overlap: string, lifetime: string}} choice
   */
  async #rotate({ id, name }, choice) {
    const rotation = rotationOf(choice, Date.now());
    try {
      const path = `${PATH}/${encodeURIComponent(id)}/rotate`;
      const answer = await this.#app.callboard.fetch(path, { method: "POST", json: rotation });
      const { token, replaces } = await answer.json();
      const oldToken = oldTokenText(rotation.overlapSeconds, replaces.expiresAt);
      this.#showOnce(newToken(name, token, () => this.#done(), oldToken));
    } catch (error) {
      // The list then shows the successor, which can be rotated when its token was lost on the way.
      if (codeOf(error) === "api-token-already-rotated") await this.#load();
      throw error;
    }
    await this.#load();
  }

  /** @param {ApiToken} token */
  async #revoke({ id, name }) {
    const text = `Whatever uses “${name}” is disconnected at once and can no longer post. This cannot be undone.`;
    if (!(await confirmed({ title: "Revoke this token?", text, confirm: "Revoke token" }))) return;
    try {
      await this.#app.callboard.fetch(`${PATH}/${encodeURIComponent(id)}`, { method: "DELETE" });
      this.#app.announce(`The token ${name} is revoked.`);
    } catch (error) {
      // Revoked elsewhere meanwhile is revoked too.
      if (statusOf(error) !== 404) return this.#failed(error, () => this.#load());
    }
    await this.#load();
    document.getElementById("tokens")?.focus();
  }

  /**
   * @param {unknown} error
   * @param {() => void} again
   */
  #failed(error, again) {
    const button = element("button", { type: "button", class: "button", onclick: again }, "Try again");
    fill(this.#list, element("div", { class: "notice bad", role: "alert" }, problemText(error), " ", button));
  }
}

/** @param {string} role */
function notAllowed(role) {
  return element(
    "div",
    { class: "nothing" },
    element("p", {}, `Only owners and admins manage API tokens; you are a ${role}.`),
    element("p", { class: "muted" }, "Ask one of them to make a token for your worker."),
  );
}
