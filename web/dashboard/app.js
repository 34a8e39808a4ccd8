/**
 * What every page is given, and what every page gives.
 *
 * @typedef {object} App
 * @property {import("/callboard.js").Callboard} callboard
 * @property {import("./session.js").Session} session
 * @property {import("./times.js").Clock} clock
 * @property {import("./keys.js").Keys} keys
 * @property {string} listAddress  the list of executions as it was last looked at
 * @property {(text: string) => void} announce  tells screen readers, politely
 *
 * @typedef {object} Page
 * @property {HTMLElement} element  has one h1, which takes the focus
 * @property {string} title
 * @property {(route: import("./router.js").Route) => void} show  now, and when only the query changes
 * @property {() => void} stop
 */

export {};
