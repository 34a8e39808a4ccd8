/**
 * @typedef {{id: string, name: string, createdAt: string, expiresAt: string | null, lastUsedAt: string | null}} ApiToken
 */

import { element } from "../elements.js";
import { timeElement } from "../times.js";

/**
 * @param {ApiToken} token
 * @param {() => void} onRevoke
 */
export function tokenElement({ name, createdAt, expiresAt, lastUsedAt }, onRevoke) {
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
  const use = lastUsedAt === null ? ["never used"] : ["used ", timeElement(lastUsedAt)];
  const expiry = expiresAt === null ? ["never expires"] : [isOver ? "expired " : "expires ", timeElement(expiresAt)];
  return element(
    "li",
    { class: isOver ? "token over" : "token" },
    element(
      "div",
      {},
      element("strong", {}, name),
      element(
        "p",
        { class: "dotted" },
        element("span", {}, "made ", timeElement(createdAt)),
        element("span", {}, ...use),
        element("span", {}, ...expiry),
      ),
    ),
    element(
      "button",
      { type: "button", class: "button small danger-text", "aria-label": `Revoke ${name}`, onclick: onRevoke },
      "Revoke",
    ),
  );
}
