/** Who is signed in, and what they may set. The browser's own popover closes it by Escape or a click elsewhere. */

import { drawing, element, fill } from "./elements.js";
import { showShortcuts } from "./keys.js";
import { problemText } from "./problem-text.js";
import { themeChoice } from "./theme.js";

const CHEVRON = "M4 6.25l4 4l4-4";

/**
 * @param {import("./session.js").Account} account
 * @param {() => Promise<void>} onSignOut
 */
export function userMenu({ user, organization }, onSignOut) {
  const problem = element("div", { role: "alert" });
  const signOut = async () => {
    fill(problem);
    await onSignOut().catch((error) => fill(problem, element("p", { class: "notice bad" }, problemText(error))));
  };
  const menu = element(
    "div",
    { id: "user-menu", class: "menu", popover: "auto", role: "group", "aria-label": "Account" },
    element(
      "div",
      { class: "menu-who" },
      element("strong", {}, user.login),
      element("span", { class: "muted" }, user.email ?? ""),
    ),
    element("p", { class: "muted" }, `${capitalised(user.role)} of ${organization.name}`),
    themeChoice(),
    element(
      "button",
      { type: "button", class: "menu-item", onclick: () => openShortcuts(menu) },
      "Keyboard shortcuts",
      element("kbd", {}, "?"),
    ),
    element("button", { type: "button", class: "menu-item", onclick: signOut }, "Sign out"),
    problem,
  );
  const button = element(
    "button",
    { type: "button", class: "user", popovertarget: "user-menu", "aria-label": `Account ${user.login}` },
    element("span", { class: "avatar", "aria-hidden": "true" }, user.login.charAt(0).toUpperCase()),
    drawing(CHEVRON),
  );
  return [button, menu];
}

/** @param {HTMLElement} menu */
function openShortcuts(menu) {
  menu.hidePopover();
  showShortcuts();
}

/** @param {string} word */
function capitalised(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
