/** Light, dark, or as the system has it: the one thing this dashboard keeps in the browser. */

import { element } from "./elements.js";

const KEY = "callboard-theme";
const CHOICES = { system: "System", light: "Light", dark: "Dark" };

/** Three choices, one of them chosen. */
export function themeChoice() {
  const chosen = document.documentElement.dataset.theme ?? "system";
  const choices = Object.entries(CHOICES).map(([value, text]) =>
    element(
      "label",
      {},
      element("input", {
        type: "radio",
        name: "theme",
        value,
        checked: value === chosen,
        onchange: () => choose(value),
      }),
      element("span", {}, text),
    ),
  );
  return element("fieldset", { class: "segments" }, element("legend", {}, "Theme"), ...choices);
}

/** @param {string} theme */
function choose(theme) {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A browser that keeps nothing forgets it with the tab.
  }
}
