/**
 * The keys of the log: Home, End, / to search, n and N from hit to hit. The arrows and Page Up and Down are the browser's.
 *
 * @typedef {import("./log-pane.js").LogPane} LogPane
 * @typedef {import("./toolbar.js").Toolbar} Toolbar
 */

/**
 * @param {KeyboardEvent} event
 * @param {Toolbar} toolbar
 * @param {LogPane | null} pane
 */
export function actOnKey(event, toolbar, pane) {
  const isModified = event.ctrlKey || event.metaKey;
  // The browser's own search sees only the rows that are drawn. Pressed once more, it is that search.
  const isFind = event.key === "f" && isModified && !event.altKey && !event.shiftKey && !toolbar.isSearchFocused;
  const act = isFind ? () => toolbar.focusSearch() : actionOf(event.key, toolbar, pane);
  const isMeant =
    isFind || (!isModified && !event.altKey && pane?.element.contains(/** @type {Node} */ (event.target)));
  if (!act || !isMeant) return;
  event.preventDefault();
  act();
}

/**
 * @param {string} key
 * @param {Toolbar} toolbar
 * @param {LogPane | null} pane
 * @returns {(() => void) | undefined}
 */
function actionOf(key, toolbar, pane) {
  if (key === "Home") return () => pane?.toStart();
  if (key === "End") return () => pane?.toEnd();
  if (key === "/") return () => toolbar.focusSearch();
  if (key === "n") return () => pane?.search.step(1);
  if (key === "N") return () => pane?.search.step(-1);
  return undefined;
}
