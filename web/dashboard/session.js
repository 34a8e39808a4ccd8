/**
 * Who is signed in. The session itself is the visitor's HttpOnly cookie: nothing of it can be read or kept here. All
 * tabs share that cookie, so each tells the others whose it is.
 *
 * @typedef {"owner" | "admin" | "member" | "viewer"} Role
 * @typedef {{id: string, login: string, email: string | null, role: Role}} User
 * @typedef {{user: User, organization: {id: string, name: string}}} Account
 * @typedef {Pick<import("./page-client.js").PageClient, "admits" | "ask" | "close" | "connect">} Client
 */

import { statusOf } from "./problem-text.js";

const ME = "/auth/api/users/me";

export class Session {
  /**
   * Who the page is shown to; null: nobody, or somebody whose session has ended, and pages are refused.
   *
   * @type {Account | null}
   */
  account = null;
  #callboard;
  #onOther;
  #isLoading = false;
  /** Another tab has spoken while this one was asking. */
  #isOutdated = false;
  #tabs;

  /**
   * @param {Client} callboard
   * @param {BroadcastChannel} tabs  all tabs of this browser
   * @param {() => void} onOther  the visitor is somebody other than `account`: nothing on the page is theirs
   */
  constructor(callboard, tabs, onOther) {
    this.#callboard = callboard;
    this.#onOther = onOther;
    this.#tabs = tabs;
    this.#tabs.onmessage = ({ data }) => this.#hear(data);
    callboard.admits = async (isWriting) => this.account !== null && (!isWriting || (await this.compare()));
  }

  get mayAdminister() {
    return this.account !== null && ["owner", "admin"].includes(this.account.user.role);
  }

  /** Asks who the visitor is; nobody is an answer too. Throws when there is no answer. */
  async load() {
    this.#isLoading = true;
    /** @type {Account | null} */
    let found;
    do {
      this.#isOutdated = false;
      found = await this.#whoIsIt();
    } while (this.#isOutdated);
    this.#isLoading = false;
    this.#become(found);
  }

  /**
   * Whether the visitor still is who the page is shown to. Throws when there is no answer.
   *
   * @returns {Promise<boolean>}
   */
  async compare() {
    const { account } = this;
    const found = await this.#whoIsIt();
    // Settled otherwise meanwhile.
    if (this.account !== account) return false;
    if (found === null) this.account = null;
    return found !== null && this.isShownTo(found.user.id, found.organization.id);
  }

  /**
   * Whether that is whom the page is shown to; if not, it is told.
   *
   * @param {string} userId
   * @param {string} organizationId
   */
  isShownTo(userId, organizationId) {
    const isSame = this.account?.user.id === userId && this.account.organization.id === organizationId;
    if (!isSame) this.#onOther();
    return isSame;
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
    // It has ended; the cookie may be somebody else's by now.
    if (this.account === null) return;
    // First, lest the end of the session be news to its own socket.
    this.#callboard.close();
    try {
      await this.#callboard.ask("/auth/api/logout", { method: "POST" });
    } catch (error) {
      if (statusOf(error) !== 401) {
        this.#callboard.connect();
        throw error;
      }
    }
    this.#become(null);
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} body
   */
  async #open(path, body) {
    const answer = await this.#callboard.ask(path, { method: "POST", json: body });
    const { user, organization } = await answer.json();
    this.#become({ user, organization });
    this.#callboard.close();
    this.#callboard.connect();
  }

  /** @returns {Promise<Account | null>} */
  async #whoIsIt() {
    try {
      return await (await this.#callboard.ask(ME)).json();
    } catch (error) {
      if (statusOf(error) !== 401) throw error;
      return null;
    }
  }

  /** @param {Account | null} account */
  #become(account) {
    this.account = account;
    this.#tabs.postMessage(account && { userId: account.user.id, organizationId: account.organization.id });
  }

  /** @param {{userId: string, organizationId: string} | null} identity  of the visitor, as another tab has learned it */
  #hear(identity) {
    this.#isOutdated = true;
    if (this.#isLoading) return;
    if (identity !== null) return void this.isShownTo(identity.userId, identity.organizationId);
    if (this.account === null) return;
    this.account = null;
    // What is shown stays; the connection, however it is, finds at once that its session has ended.
    this.#callboard.connect();
  }
}
