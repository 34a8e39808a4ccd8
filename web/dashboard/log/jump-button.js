/** Leads back to the end of the log, and says how much has come there meanwhile. Hidden while the end is followed. */

import { element, fill } from "../elements.js";

export class JumpButton {
  /** How far the log went when somebody was last at its end. */
  #seen = 0;

  /** @param {() => void} act */
  constructor(act) {
    this.element = element("button", { type: "button", class: "button small log-jump", onclick: act });
    this.element.hidden = true;
  }

  /** @param {number} last  how far a log goes that is opened at its end */
  begin(last) {
    this.#seen = last;
    this.element.hidden = true;
  }

  /**
   * @param {number} last
   * @param {boolean} isFollowing
   * @returns {boolean} whether following has begun or ended
   */
  draw(last, isFollowing) {
    if (isFollowing) this.#seen = last;
    const hasChanged = this.element.hidden !== isFollowing;
    this.element.hidden = isFollowing;
    const fresh = last - this.#seen;
    const news = fresh === 0 ? "" : ` (${fresh.toLocaleString("en")} new ${fresh === 1 ? "line" : "lines"})`;
    const text = `Jump to end${news}`;
    if (this.element.textContent !== text) fill(this.element, text);
    return hasChanged;
  }
}
