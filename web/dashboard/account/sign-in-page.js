/**
 * @typedef {import("../app.js").App} App
 * @typedef {import("../app.js").Page} Page
 */

import { element } from "../elements.js";
import { Form } from "../form.js";
import { placeAfterSignIn, routeTo } from "../router.js";
import { doorway } from "./doorway.js";

/** @implements {Page} */
export class SignInPage {
  title = "Sign in";
  #app;
  #next = "";
  #signUp = element("a", {}, "Create an organisation");

  /** @param {App} app */
  constructor(app) {
    this.#app = app;
    const form = new Form({
      fields: [
        { name: "login", label: "Login or e-mail address", autocomplete: "username" },
        { name: "password", label: "Password", type: "password", autocomplete: "current-password" },
      ],
      submit: "Sign in",
      busy: "Signing in…",
      onSubmit: (credentials) => this.#signIn(credentials),
    });
    this.element = doorway("Sign in to Callboard", form.element, element("p", {}, "New here? ", this.#signUp));
  }

  /** @param {import("../router.js").Route} route */
  show({ query }) {
    this.#next = placeAfterSignIn(query.get("next"));
    this.#signUp.href = routeTo(["sign-up"], { next: query.get("next") });
  }

  stop() {}

  /** @param {Record<string, string>} credentials */
  async #signIn(credentials) {
    await this.#app.session.signIn(credentials);
    location.replace(this.#next);
  }
}
