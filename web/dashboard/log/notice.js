/** What the log view says about itself: that it loads, that there is nothing, that something failed, that it is over. */

import { element, fill } from "../elements.js";
import { lookOf, statusElement } from "../status.js";

export class LogNotice {
  element = element("div", { class: "log-notice", role: "status" });
  /** @type {(() => void) | null} */
  #act = null;

  /** @param {string} text */
  say(text) {
    this.#act = null;
    this.element.hidden = false;
    fill(this.element, text);
  }

  /**
   * Says what is wrong, and what can be done.
   *
   * @param {string} text
   * @param {string} action
   * @param {() => void} act
   */
  offer(text, action, act) {
    this.say(text);
    this.#act = act;
    this.element.append(element("button", { type: "button", class: "button small", onclick: act }, action));
  }

  /** Does what is offered, if anything is. */
  act() {
    this.#act?.();
  }

  hide() {
    this.#act = null;
    this.element.hidden = true;
    fill(this.element);
  }
}

/**
 * What stands after the last line.
 *
 * @param {string | null | undefined} status  undefined: more is to come; null: over, nobody knows how
 * @returns {(Node | string)[]}
 */
export function endOfLog(status) {
  if (status === undefined) return [element("span", { class: "log-waiting" }), "Waiting for more output"];
  const isKnown = status !== null && lookOf(status).isFinal;
  return [...(isKnown ? [statusElement(status)] : []), "End of the log"];
}
