/** A link per state with how many there are: the filter lives in the address. */

import { element } from "../elements.js";
import { routeTo } from "../router.js";
import { STATUSES, lookOf } from "../status.js";

export class StateFilter {
  /** @type {Map<string, {link: HTMLAnchorElement, count: HTMLElement}>} */
  #tabs = new Map();
  element = element("nav", { class: "tabs", "aria-label": "Filter by state" });

  constructor() {
    for (const status of ["", ...STATUSES]) {
      const word = status === "" ? "All" : lookOf(status).word;
      const count = element("span", { class: "count" });
      const link = element("a", { class: "tab" }, word, " ", count);
      this.#tabs.set(status, { link, count });
      this.element.append(link);
    }
  }

  /**
   * @param {import("./execution-store.js").Filter} filter
   * @param {ReadonlyMap<string, number>} counts
   * @param {{total: number, isAll: (status: string) => boolean}} loaded  `isAll`: no older one is left on the server
   */
  draw(filter, counts, { total, isAll }) {
    for (const [status, { link, count }] of this.#tabs) {
      const number = status === "" ? total : (counts.get(status) ?? 0);
      const text = isAll(status) ? String(number) : `${number}+`;
      if (count.textContent !== text) count.textContent = text;
      link.href = routeTo(["executions"], { status, text: filter.text });
      if (filter.status === status) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }
}
