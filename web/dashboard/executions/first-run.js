/** What to do when there is nothing to see yet: three commands. */

import { commandLine } from "../copy-button.js";
import { element } from "../elements.js";
import { TOKENS } from "../router.js";

/**
 * @param {import("../session.js").Session} session
 */
export function firstRun(session) {
  const login = session.account?.user.login ?? "you";
  const ownToken = `export CALLBOARD_TOKEN=$(callboard token create laptop --login ${login})`;
  return element(
    "section",
    { class: "first-run", "aria-labelledby": "first-run-title" },
    element("h2", { id: "first-run-title" }, "Post your first run"),
    element(
      "p",
      {},
      "Executions appear here while they happen. In a terminal where ",
      element("code", {}, "callboard"),
      " is installed:",
    ),
    element(
      "ol",
      { class: "steps" },
      step("Say where Callboard is.", `export CALLBOARD_URL=${location.origin}`),
      session.mayAdminister
        ? step(
            "Make an API token; it asks for your password.",
            ownToken,
            element("a", { href: TOKENS }, "Or make one here."),
          )
        : step("Use an API token; an owner or admin makes one for you.", "export CALLBOARD_TOKEN=ah_live_..."),
      step("Run anything.", "callboard run -- sh -c 'for n in 1 2 3; do echo line $n; sleep 1; done'"),
    ),
  );
}

/**
 * @param {string} text
 * @param {string} command
 * @param {Node} [more]
 */
function step(text, command, more) {
  return element("li", {}, element("p", {}, text, " ", more), commandLine(command, text.replace(/[.;].*/, "")));
}
