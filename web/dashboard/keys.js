/**
 * Single keys that do something on a page. They never act while somebody types, nor with a modifier.
 *
 * @typedef {Record<string, () => unknown>} Bindings  by `KeyboardEvent.key`; one that returns false has not acted
 */

import { note } from "./dialog.js";
import { element } from "./elements.js";

const SHORTCUTS = [
  ["j, k or arrows", "Next, previous execution"],
  ["Enter", "Open it"],
  ["/", "Filter by id or name; search the log"],
  ["?", "This list"],
];

export class Keys {
  /** @type {Set<Bindings>} */
  #bindings = new Set([{ "?": showShortcuts }]);

  constructor() {
    document.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /**
   * @param {Bindings} bindings
   * @returns {() => void} ends them
   */
  on(bindings) {
    this.#bindings.add(bindings);
    return () => this.#bindings.delete(bindings);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
    for (const bindings of this.#bindings) {
      const act = bindings[event.key];
      if (act && act() !== false) event.preventDefault();
    }
  }
}

export function showShortcuts() {
  const rows = SHORTCUTS.flatMap(([keys, meaning]) => [
    element("dt", {}, element("kbd", {}, keys)),
    element("dd", {}, meaning),
  ]);
  note("Keyboard shortcuts", element("dl", { class: "shortcuts" }, ...rows));
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof Element && target.closest("input, select, textarea, dialog, [contenteditable]") !== null;
}
