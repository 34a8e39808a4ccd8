/** A token that was just made. It is in this element and nowhere else in the browser. */

import { commandLine, copyButton } from "../copy-button.js";
import { element } from "../elements.js";

/**
 * @param {string} name
 * @param {string} token
 * @param {() => void} onDone
 * @param {string} [oldToken]  what becomes of the token that it replaces
 */
export function newToken(name, token, onDone, oldToken) {
  const code = element("code", {}, token);
  return element(
    "section",
    { class: "card new-token", "aria-labelledby": "new-token-title" },
    element("h2", { id: "new-token-title", tabindex: -1 }, `Token “${name}” is ready`),
    element("p", { class: "notice warn" }, "Copy it now. It is shown this once and cannot be shown again."),
    oldToken && element("p", {}, oldToken),
    element(
      "div",
      { class: "command" },
      element("pre", { tabindex: 0, role: "region", "aria-label": "API token" }, code),
      copyButton(token, code, "token"),
    ),
    element("p", {}, "Or paste this into the worker’s terminal:"),
    commandLine(`export CALLBOARD_URL=${location.origin} CALLBOARD_TOKEN=${token}`, "command"),
    element(
      "div",
      { class: "actions" },
      element("button", { type: "button", class: "button", onclick: onDone }, "Done"),
    ),
  );
}
