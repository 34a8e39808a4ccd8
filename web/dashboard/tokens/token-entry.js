/**
 * @typedef {{
 *   id: string,
 *   name: string,
 *   createdAt: string,
 *   expiresAt: string | null,
 *   lastUsedAt: string | null,
 *   replacedBy: string | null,
 * }} ApiToken
 */

import { element } from "../elements.js";
import { timeElement } from "../times.js";
import { endWord } from "./lifetime.js";

/**
 * @param {ApiToken} token
 * @param {{onRotate: () => void, onRevoke: () => void}} actions
 */
export function tokenElement(token, { onRotate, onRevoke }) {
  const { name, createdAt, expiresAt, lastUsedAt, replacedBy } = token;
  const isOver = expiresAt !== null && Date.parse(expiresAt) <= Date.now();
  const use = lastUsedAt === null ? ["never used"] : ["used ", timeElement(lastUsedAt)];
  const end = expiresAt === null ? ["never expires"] : [`${endWord(token, Date.now())} `, timeElement(expiresAt)];
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
        element("span", {}, ...end),
      ),
    ),
    element(
      "div",
      { class: "token-actions" },
      !isOver && replacedBy === null && button("Rotate", name, "", onRotate),
      button("Revoke", name, "danger-text", onRevoke),
    ),
  );
}

/**
 * @param {string} verb
 * @param {string} name
 * @param {string} look
 * @param {() => void} onclick
 */
function button(verb, name, look, onclick) {
  const attributes = { type: "button", class: `button small ${look}`.trim(), "aria-label": `${verb} ${name}`, onclick };
  return element("button", attributes, verb);
}
