/**
 * The way back in time, page by page.
 *
 * @typedef {import("/callboard.js").Callboard} Callboard
 * @typedef {import("/callboard.js").Execution} Execution
 */

const PAGE = 100;
/** A page may hold only what is known already; this many in a row are asked for before that is an answer. */
const MOST_PAGES = 5;

export class OlderPages {
  #callboard;
  /** @type {Map<string, string | null>} status -> the query of the next page; null: that was the last */
  #next = new Map();

  /** @param {Callboard} callboard */
  constructor(callboard) {
    this.#callboard = callboard;
  }

  /**
   * Whether there is nothing more of this state, as far as was asked.
   *
   * @param {string} status  empty: any
   */
  isAtEnd(status) {
    return this.#next.get("") === null || this.#next.get(status) === null;
  }

  /** Says that some of what was fetched is let go: the way back begins anew. */
  reopen() {
    // A page that is on its way belongs to the old way.
    this.#next = new Map();
  }

  /** Says that a first page held everything. */
  markComplete() {
    this.#next.set("", null);
  }

  /**
   * Fetches pages until one of them has something new, or there are no more.
   *
   * @param {string} status  empty: any
   * @param {(page: Execution[]) => boolean} take  whether any of them was new
   * @param {number} [known]  how many executions may have to be passed over
   */
  async load(status, take, known = 0) {
    const next = this.#next;
    const most = MOST_PAGES + Math.ceil(known / PAGE);
    for (let pages = 0; pages < most && next.get("") !== null && next.get(status) !== null; pages += 1) {
      const query = next.get(status) ?? firstPage(status);
      const answer = await this.#callboard.fetch(`/producer/executions${query}`);
      next.set(status, nextQuery(answer.headers.get("Link")));
      if (take(await answer.json())) return;
    }
  }
}

/**
 * The query that `Link` gives for the next page: `<?cursor=7&limit=100>; rel="next"`.
 *
 * @param {string | null} link
 * @returns {string | null}
 */
export function nextQuery(link) {
  return link?.match(/<[^>?]*(\?[^>]+)>\s*;\s*rel="?next"?/)?.[1] ?? null;
}

/** @param {string} status */
function firstPage(status) {
  return `?${new URLSearchParams({ limit: String(PAGE), ...(status && { status }) })}`;
}
