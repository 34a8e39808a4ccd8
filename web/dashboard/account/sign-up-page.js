/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 */

import { element } from "../elements.js";
import { Form } from "../form.js";
import { placeAfterSignIn, routeTo } from "../router.js";
import { doorway } from "./doorway.js";

/** @type {import("../form.js").Field[]} */
const FIELDS = [
  { name: "organizationName", label: "Organisation", autocomplete: "organization", maxlength: 128 },
  {
    name: "login",
    label: "Login",
    autocomplete: "username",
    hint: "Letters, digits, dots, dashes and underscores; two or more.",
    pattern: "[A-Za-z0-9][A-Za-z0-9._\\-]{1,63}",
    wrong: "Use 2 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit.",
  },
  {
    name: "email",
    label: "E-mail address",
    type: "email",
    autocomplete: "email",
    wrong: "This is not an e-mail address.",
  },
  {
    name: "password",
    label: "Password",
    type: "password",
    autocomplete: "new-password",
    hint: "At least 8 characters.",
    pattern: "[^]{8,256}",
    wrong: "Use 8 to 256 characters.",
  },
];

/** @implements {Page} */
export class SignUpPage {
  title = "Create an organisation";
  #app;
  #next = "";
  #signIn = element("a", {}, "Sign in");

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    const form = new Form({
      fields: FIELDS,
      submit: "Create organisation",
      busy: "Creating…",
      places: { "login-taken": "login", "email-taken": "email" },
      onSubmit: (application) => this.#signUp(application),
    });
    this.element = doorway("Create an organisation", form.element, element("p", {}, "Have an account? ", this.#signIn));
  }

  /** @param {import("../router.js").Route} route */
  show({ query }) {
    this.#next = placeAfterSignIn(query.get("next"));
    this.#signIn.href = routeTo(["sign-in"], { next: query.get("next") });
  }

  stop() {}

  /** @param {Record<string, string>} application */
  async #signUp(application) {
    await this.#app.session.signUp(application);
    location.replace(this.#next);
  }
}
