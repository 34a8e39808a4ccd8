/**
 * How long a token lives, and how long the one lives on that it replaces.
 *
 * @typedef {import("./token-entry.js").ApiToken} ApiToken
 * @typedef {{overlapSeconds: number, expiresAt?: string | null}} Rotation  as the API calls it
 */

import { absoluteText } from "../times.js";

const DAY = 24 * 60 * 60 * 1_000;
const KEPT = "kept";
const NEVER = "";

export const LIFETIMES = [
  { value: NEVER, text: "Never" },
  { value: "7", text: "In 7 days" },
  { value: "30", text: "In 30 days" },
  { value: "90", text: "In 90 days" },
  { value: "365", text: "In a year" },
];

export const OVERLAPS = [
  { value: "3600", text: "For an hour" },
  { value: "86400", text: "For a day" },
  { value: "604800", text: "For 7 days" },
  { value: "0", text: "No longer: it ends at once" },
];

/**
 * What the expiry of a new token may be; the first is what happens when nobody chooses.
 *
 * @param {ApiToken} old
 */
export function lifetimesAfter({ expiresAt }) {
  if (expiresAt === null) return LIFETIMES;
  return [{ value: KEPT, text: `As the old one would have: ${absoluteText(Date.parse(expiresAt))}` }, ...LIFETIMES];
}

/**
 * @param {string} lifetime  a value of LIFETIMES
 * @param {number} now  ms since 1970
 * @returns {string | null}  null for never
 */
export function expiryOf(lifetime, now) {
  return lifetime === NEVER ? null : new Date(now + Number(lifetime) * DAY).toISOString();
}

/**
 * @param {{overlap: string, lifetime: string}} choice
 * @param {number} now  ms since 1970
 * @returns {Rotation}
 */
export function rotationOf({ overlap, lifetime }, now) {
  const overlapSeconds = Number(overlap);
  return lifetime === KEPT ? { overlapSeconds } : { overlapSeconds, expiresAt: expiryOf(lifetime, now) };
}

/**
 * What becomes of the old token, in words for a person.
 *
 * @param {number} overlapSeconds
 * @param {string} endsAt  ISO 8601
 */
export function oldTokenText(overlapSeconds, endsAt) {
  if (overlapSeconds === 0) return "The old token has ended. Whatever used it is disconnected until it has this one.";
  const end = absoluteText(Date.parse(endsAt));
  return `The old token works until ${end}. Give this one to whatever uses it before then.`;
}

/**
 * The word before the moment at which a token ends, or ended; null when it never does.
 *
 * @param {ApiToken} token
 * @param {number} now  ms since 1970
 */
export function endWord({ expiresAt, replacedBy }, now) {
  if (expiresAt === null) return null;
  const isOver = Date.parse(expiresAt) <= now;
  if (replacedBy !== null) return isOver ? "rotated, ended" : "rotated, ends";
  return isOver ? "expired" : "expires";
}
