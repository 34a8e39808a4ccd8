/**
 * Who is signed in. The session itself is the visitor's HttpOnly cookie: nothing of it can be read or kept here.
 *
 * @typedef {"owner" | "admin" | "member" | "viewer"} Role
 * @typedef {{id: string, login: string, email: string | null, role: Role}} User
 * @typedef {{user: User, organization: {id: string, name: string}}} Account
 * @typedef {import("/callboard.js").Callboard} Callboard
 */

import { statusOf } from "./problem-text.js";

export class Session {
  /** @type {Account | null} */
  account = null;
  #callboard;

  /** @param {Callboard} callboard */
  constructor(callboard) {
    this.#callboard = callboard;
  }

  get mayAdminister() {
    return this.account !== null && ["owner", "admin"].includes(this.account.user.role);
  }

  /** Asks who the visitor is; nobody is an answer too. Throws when there is no answer. */
  async load() {
    try {
      const answer = await this.#callboard.fetch("/auth/api/users/me");
      this.account = /** @type {Account} */ (await answer.json());
    } catch (error) {
      if (statusOf(error) !== 401) throw error;
      this.account = null;
    }
  }

  /** @param {Record<string, string>} credentials  login, password */
  async signIn(credentials) {
    await this.#open("/auth/api/login", credentials);
  }

  /** @param {Record<string, string>} application  login, email, password, organizationName */
  async signUp(application) {
    await this.#open("/auth/api/signup", application);
  }

  /** Ends the session, here and at the server. Throws when the server cannot be told; the session goes on then. */
  async signOut() {
    // First, lest the end of the session be news to its own socket.
    this.#callboard.close();
    try {
      await this.#callboard.fetch("/auth/api/logout", { method: "POST" });
    } catch (error) {
      if (statusOf(error) !== 401) {
        this.#callboard.connect();
        throw error;
      }
    }
    this.account = null;
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} body
   */
  async #open(path, body) {
    const answer = await this.#callboard.fetch(path, { method: "POST", json: body });
    const { user, organization } = await answer.json();
    this.account = { user, organization };
    this.#callboard.close();
    this.#callboard.connect();
  }
}
