/**
 * The API tokens of the organisation's workers.
 *
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 */

import { confirmed } from "../dialog.js";
import { element, fill } from "../elements.js";
import { Form } from "../form.js";
import { problemText, statusOf } from "../problem-text.js";
import { newToken } from "./new-token.js";
import { tokenElement } from "./token-entry.js";

/** @typedef {import("./token-entry.js").ApiToken} ApiToken */

const PATH = "/auth/api/v1/tokens";
const DAY = 24 * 60 * 60 * 1_000;
const LIFETIMES = [
  { value: "", text: "Never" },
  { value: "7", text: "In 7 days" },
  { value: "30", text: "In 30 days" },
  { value: "90", text: "In 90 days" },
  { value: "365", text: "In a year" },
];

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
    const entries = tokens.map((token) => tokenElement(token, () => this.#revoke(token)));
    fill(this.#list, element("ul", { class: "tokens", role: "list" }, ...entries));
  }

  /** @param {Record<string, string>} values */
  async #create({ name, lifetime }) {
    const expiresAt = lifetime ? new Date(Date.now() + Number(lifetime) * DAY).toISOString() : undefined;
    const answer = await this.#app.callboard.fetch(PATH, { method: "POST", json: { name, expiresAt } });
    const { token } = await answer.json();
    this.#form.reset();
    const panel = newToken(String(name), token, () => this.#done());
    fill(this.#shownOnce, panel);
    panel.querySelector("h2")?.focus();
    await this.#load();
  }

  #done() {
    fill(this.#shownOnce);
    this.element.querySelector("h1")?.focus();
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
