/**
 * What went wrong, in words for a person.
 *
 * @typedef {{location: (string | number)[], message: string}} FieldError
 */

/**
 * @param {unknown} error  a CallboardProblem, or what `fetch` throws when nobody answers
 * @returns {string}
 */
export function problemText(error) {
  const { status, code, detail, retryAfter, requestId } = fieldsOf(error);
  if (typeof status !== "number") return "Callboard cannot be reached. Check your network, then try again.";
  if (status === 429) return `Too many attempts. Try again ${retryAfter ? `in ${retryAfter} s` : "in a while"}.`;
  if (code === "sign-up-closed") return "Sign-up is closed here. Ask the people who run this Callboard for an account.";
  if (code === "origin-refused") return "This address may not sign in here. Open Callboard at its public address.";
  const text = typeof detail === "string" && detail ? sentence(detail) : "Something went wrong.";
  return status >= 500 && requestId ? `${text} Reference: ${requestId}` : text;
}

/**
 * The errors of a 422, by the name of the field they are about.
 *
 * @param {unknown} error
 * @returns {Map<string, string>}
 */
export function fieldErrors(error) {
  const found = new Map();
  const { errors } = fieldsOf(error);
  for (const { location, message } of Array.isArray(errors) ? /** @type {FieldError[]} */ (errors) : []) {
    const name = location.at(-1);
    if (typeof name === "string" && !found.has(name)) found.set(name, sentence(message));
  }
  return found;
}

/**
 * @param {unknown} error
 * @returns {number | null}
 */
export function statusOf(error) {
  const { status } = fieldsOf(error);
  return typeof status === "number" ? status : null;
}

/**
 * @param {unknown} error
 * @returns {string | null}
 */
export function codeOf(error) {
  const { code } = fieldsOf(error);
  return typeof code === "string" ? code : null;
}

/**
 * @param {unknown} error
 * @returns {Record<string, unknown>}
 */
function fieldsOf(error) {
  return typeof error === "object" && error !== null ? /** @type {Record<string, unknown>} */ (error) : {};
}

/** @param {string} text */
function sentence(text) {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
