/**
 * The address decides what is shown: `#/executions/run-1/2?line=120`.
 *
 * @typedef {{path: string[], query: URLSearchParams}} Route
 */

export const HOME = "#/executions";
export const SIGN_IN = "#/sign-in";
export const SIGN_UP = "#/sign-up";
export const TOKENS = "#/tokens";

/**
 * What a hash means. A part that is no valid percent-encoding stands for itself.
 *
 * @param {string} hash  with or without its `#`
 * @returns {Route}
 */
export function readRoute(hash) {
  const [path = "", query = ""] = hash.replace(/^#/, "").split(/\?(.*)/s);
  const parts = path.split("/").filter(Boolean).map(decoded);
  return { path: parts, query: new URLSearchParams(query) };
}

/**
 * The hash that `readRoute` understands; empty values of the query are left out.
 *
 * @param {readonly (string | number)[]} path
 * @param {Record<string, string | number | null | undefined>} [query]
 */
export function routeTo(path, query = {}) {
  const filled = Object.entries(query).filter(([, value]) => value != null && value !== "");
  const search = new URLSearchParams(filled.map(([name, value]) => [name, String(value)]));
  const text = filled.length > 0 ? `?${search}` : "";
  return `#/${path.map((part) => encodeURIComponent(part)).join("/")}${text}`;
}

/**
 * Where to go after signing in: a place of this dashboard, never another site's, never the sign-in itself.
 *
 * @param {string | null} wanted
 */
export function placeAfterSignIn(wanted) {
  const isOurs = wanted?.startsWith("#/") && !["sign-in", "sign-up"].includes(readRoute(wanted).path[0] ?? "");
  return isOurs && wanted ? wanted : HOME;
}

/** The sign-in page, which leads back to where the person is now. */
export function signInFrom(/** @type {string} */ hash) {
  const place = placeAfterSignIn(hash);
  return place === HOME ? SIGN_IN : routeTo(["sign-in"], { next: place });
}

/**
 * Changes the address without a new entry in the history and without showing anything anew.
 *
 * @param {string} hash
 */
export function rewriteAddress(hash) {
  history.replaceState(history.state, "", hash);
}

/**
 * Calls `show` with the route of the address, now and whenever it changes.
 *
 * @param {(route: Route) => void} show
 */
export function followAddress(show) {
  const read = () => show(readRoute(location.hash));
  addEventListener("hashchange", read);
  read();
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
