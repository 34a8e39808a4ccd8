import assert from "node:assert/strict";
import { test } from "node:test";
import { OlderPages, nextQuery } from "../../dashboard/executions/older-pages.js";

/** @typedef {import("/callboard.js").Callboard} Callboard */

/**
 * A gateway that answers these pages by their query.
 *
 * @param {Record<string, {rows: string[], link?: string}>} pages
 */
function gateway(pages) {
  /** @type {string[]} */
  const asked = [];
  const fetch = async (/** @type {string} */ path) => {
    asked.push(path);
    const page = pages[path.replace("/producer/executions", "")];
    assert.ok(page, `nobody should ask for ${path}`);
    return new Response(JSON.stringify(page.rows), { headers: page.link ? { Link: page.link } : {} });
  };
  return { asked, callboard: /** @type {Callboard} */ (/** @type {unknown} */ ({ fetch })) };
}

test("the next page is where Link leads", () => {
  assert.equal(nextQuery('<?cursor=7&limit=100&status=FAILED>; rel="next"'), "?cursor=7&limit=100&status=FAILED");
  assert.equal(nextQuery('<?cursor=7>; rel="prev"'), null);
  assert.equal(nextQuery(null), null);
});

test("pages that hold only what is known are passed over", async () => {
  const { asked, callboard } = gateway({
    "?limit=100": { rows: ["known"], link: '<?cursor=2>; rel="next"' },
    "?cursor=2": { rows: ["older"] },
  });
  const older = new OlderPages(callboard);
  await older.load("", (page) => String(page) === "older");
  assert.equal(asked.length, 2);
  assert.equal(older.isAtEnd(""), true);
});

test("each state has a way back of its own, and all of them end with the whole", async () => {
  const { callboard } = gateway({ "?limit=100&status=FAILED": { rows: [] } });
  const older = new OlderPages(callboard);
  await older.load("FAILED", () => false);
  assert.deepEqual([older.isAtEnd("FAILED"), older.isAtEnd("PASSED"), older.isAtEnd("")], [true, false, false]);
  older.markComplete();
  assert.equal(older.isAtEnd("PASSED"), true);
});

test("a page that fails is asked for again", async () => {
  let calls = 0;
  const fetch = async () => {
    calls += 1;
    if (calls === 1) throw new TypeError("no network");
    return new Response("[]");
  };
  const older = new OlderPages(/** @type {Callboard} */ (/** @type {unknown} */ ({ fetch })));
  await assert.rejects(
    older.load("", () => true),
    TypeError,
  );
  assert.equal(older.isAtEnd(""), false);
  await older.load("", () => true);
  assert.equal(older.isAtEnd(""), true);
});

test("what was let go is found again from the first page on, past all that is known", async () => {
  const known = Object.fromEntries(
    Array.from({ length: 7 }, (_, at) => [
      at === 0 ? "?limit=100" : `?cursor=${at}`,
      { rows: ["known"], link: `<?cursor=${at + 1}>; rel="next"` },
    ]),
  );
  const { asked, callboard } = gateway({ ...known, "?cursor=7": { rows: ["gone"] } });
  const older = new OlderPages(callboard);
  older.markComplete();
  older.reopen();
  assert.equal(older.isAtEnd(""), false);
  await older.load("", (page) => String(page) === "gone", 600);
  assert.equal(asked.length, 8);
  assert.equal(older.isAtEnd(""), true);
});
