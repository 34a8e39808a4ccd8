/** The client as pages have it: it asks for nothing in the name of somebody other than whom the page is shown to. */

import { Callboard, CallboardProblem } from "/callboard.js";

const REFUSED = {
  status: 401,
  code: "signed-out",
  title: "Signed out",
  detail: "Your session has ended. Sign in again.",
};

export class PageClient extends Callboard {
  /**
   * Says whether a page may ask; the session sets it.
   *
   * @type {(isWriting: boolean) => Promise<boolean>}
   */
  admits = async () => true;

  /**
   * @override
   * @param {string} path
   * @param {import("/callboard.js").Call} [call]
   */
  async fetch(path, call) {
    if (!(await this.admits((call?.method ?? "GET") !== "GET"))) throw new CallboardProblem(REFUSED);
    return super.fetch(path, call);
  }

  /**
   * For the session itself, which asks before anybody is signed in.
   *
   * @param {string} path
   * @param {import("/callboard.js").Call} [call]
   */
  ask(path, call) {
    return super.fetch(path, call);
  }
}
