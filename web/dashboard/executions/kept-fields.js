/**
 * An execution keeps whatever fields its worker posted. Which of them to show, and how, is guessed here.
 *
 * @typedef {import("/callboard.js").Execution} Execution
 */

const OURS = new Set("taskId organizationId status attempt version startTime endTime createdAt updatedAt".split(" "));
const TITLES = ["name", "title", "job", "label"];
const FIRST = ["branch", "ref", "environment", "suite", "commit", "reason"];
const NOT_IN_A_ROW = new Set([...TITLES, "command", "host"]);
const MAX_TITLE = 120;
const MAX_CHIP = 60;
const MAX_CHIPS = 2;

/**
 * What its worker calls it, when it calls it something other than its id.
 *
 * @param {Execution} execution
 * @returns {string | null}
 */
export function titleOf(execution) {
  const found = TITLES.map((name) => execution[name]).find((value) => isShortText(value, MAX_TITLE));
  return typeof found === "string" && found !== execution.taskId ? found : null;
}

/**
 * The few fields that fit into a row.
 *
 * @param {Execution} execution
 * @returns {{name: string, value: string}[]}
 */
export function chipsOf(execution) {
  return keptFields(execution)
    .filter(({ name, value }) => !NOT_IN_A_ROW.has(name) && isShortText(value, MAX_CHIP) && !isWebAddress(value))
    .sort((a, b) => rank(a.name) - rank(b.name))
    .slice(0, MAX_CHIPS)
    .map(({ name, value }) => ({ name, value: String(value) }));
}

/**
 * Every field that is its worker's own.
 *
 * @param {Execution} execution
 * @returns {{name: string, value: unknown}[]}
 */
export function keptFields(execution) {
  return Object.entries(execution)
    .filter(([name, value]) => !OURS.has(name) && value !== null && value !== "")
    .map(([name, value]) => ({ name, value }));
}

/**
 * `exitCode` as people read it: "Exit code".
 *
 * @param {string} name
 */
export function fieldLabel(name) {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .replaceAll(/[_-]+/g, " ")
    .trim()
    .toLowerCase();
  return words ? words.charAt(0).toUpperCase() + words.slice(1) : name;
}

/**
 * A web address may become a link; nothing else may.
 *
 * @param {unknown} value
 * @returns {value is string}
 */
export function isWebAddress(value) {
  return typeof value === "string" && /^https?:\/\/[^\s]+$/i.test(value) && URL.canParse(value);
}

/** @param {string} name */
function rank(name) {
  const place = FIRST.indexOf(name);
  return place < 0 ? FIRST.length : place;
}

/**
 * @param {unknown} value
 * @param {number} longest
 */
function isShortText(value, longest) {
  return typeof value === "string" && value.trim() !== "" && value.length <= longest;
}
