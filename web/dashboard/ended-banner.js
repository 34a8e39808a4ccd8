/** Says that nothing will change any more. What is shown stays, marked as old. */

import { element, fill } from "./elements.js";
import { signInFrom } from "./router.js";
import { timeOfDay } from "./times.js";

const TEXTS = {
  session: "Your session has ended.",
  limit: "You have too many Callboard tabs or programs connected; this one was let go.",
  protocol: "The server ended the connection, because this page and the server do not understand each other.",
  identity: "The server ended the connection, because you are now signed in as somebody else.",
};

/**
 * @param {import("/callboard.js").Callboard} callboard
 * @param {HTMLElement} main  what gets old
 */
export function endedBanner(callboard, main) {
  const banner = element("div", { class: "banner", role: "alert" });
  callboard.on("state", (state) => {
    const hasEnded = state.name === "ended";
    main.classList.toggle("old", hasEnded);
    main.inert = hasEnded && isOver(state.cause);
    if (!hasEnded) return fill(banner);
    const text = `${TEXTS[state.cause]} What is shown is as of ${timeOfDay(Date.now())}.`;
    fill(banner, element("p", {}, text), wayBack(callboard, state.cause));
  });
  return banner;
}

/**
 * Whether whom the page is shown to is no longer who is signed in.
 *
 * @param {import("/callboard.js").Cause} cause
 */
export function isOver(cause) {
  return cause === "session" || cause === "identity";
}

/**
 * @param {import("/callboard.js").Callboard} callboard
 * @param {"session" | "limit" | "protocol" | "identity"} cause
 */
function wayBack(callboard, cause) {
  if (cause === "session") {
    const link = element("a", { class: "button", href: signInFrom(location.hash) }, "Sign in again");
    // The address may have changed since.
    link.addEventListener("click", () => (link.href = signInFrom(location.hash)));
    return link;
  }
  const act = cause === "limit" ? () => callboard.connect() : () => location.reload();
  return element(
    "button",
    { type: "button", class: "button", onclick: act },
    cause === "limit" ? "Connect again" : "Reload",
  );
}
