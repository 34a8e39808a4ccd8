/** Questions and notes over the page. The browser's own <dialog> keeps the focus inside and gives it back. */

import { element } from "./elements.js";

/**
 * Asks before something that cannot be undone.
 *
 * @param {{title: string, text: string, confirm: string}} question  `confirm`: the text of the button that does it
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, confirm }) {
  const { promise, resolve } = /** @type {PromiseWithResolvers<boolean>} */ (Promise.withResolvers());
  const cancel = element("button", { class: "button", value: "cancel", autofocus: true }, "Cancel");
  const go = element("button", { class: "button danger", value: "confirm" }, confirm);
  const form = element(
    "form",
    { method: "dialog" },
    element("p", {}, text),
    element("div", { class: "actions" }, cancel, go),
  );
  const dialog = opened(title, form);
  dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"));
  return promise;
}

/**
 * Shows something until it is closed.
 *
 * @param {string} title
 * @param {Node} content
 */
export function note(title, content) {
  const close = element("button", { class: "button", autofocus: true }, "Close");
  opened(title, element("form", { method: "dialog" }, content, element("div", { class: "actions" }, close)));
}

/**
 * @param {string} title
 * @param {Node} content
 */
function opened(title, content) {
  const heading = element("h2", { id: "dialog-title" }, title);
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": heading.id }, heading, content);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
