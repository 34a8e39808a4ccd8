/** A command or a secret to copy. */

import { element, fill } from "./elements.js";

const SHOWN_FOR = 2_000;

/**
 * A button that puts a text onto the clipboard and says so. Where a page may not write to the clipboard (plain http
 * from another machine) it selects `source` instead.
 *
 * @param {string} text
 * @param {Element} source  the element that shows the text
 * @param {string} label  what is copied: "Copy <label>" is the button's accessible name
 */
export function copyButton(text, source, label) {
  const state = element("span", { role: "status" });
  const words = element("span", { "aria-hidden": "true" }, "Copy");
  const button = element(
    "button",
    { type: "button", class: "button small", "aria-label": `Copy ${label}`, onclick: () => copy() },
    words,
  );
  const say = (/** @type {string} */ word) => {
    fill(words, word);
    fill(state, word);
    setTimeout(() => {
      fill(words, "Copy");
      fill(state);
    }, SHOWN_FOR);
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say("Copied");
    } catch {
      getSelection()?.selectAllChildren(source);
      say("Selected");
    }
  };
  state.className = "unseen";
  return element("span", { class: "copy" }, button, state);
}

/**
 * A line to paste into a terminal, with its button.
 *
 * @param {string} command
 * @param {string} label
 */
export function commandLine(command, label) {
  const code = element("code", {}, command);
  const scroller = element("pre", { tabindex: 0, role: "region", "aria-label": label }, code);
  return element("div", { class: "command" }, scroller, copyButton(command, code, label));
}
