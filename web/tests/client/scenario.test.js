import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { inBrowser } from "./browser.js";
import { scenario } from "./scenario.js";

/** @typedef {import("../../callboard.js").Status} Status */

test(
  "the story that a real suite tells too",
  inBrowser(async (browser) => {
    const { gateway } = browser;
    const story = await scenario(browser.open(), {
      post: async (taskId, status, attempt) =>
        gateway.post(taskId, /** @type {Status} */ (status), attempt === undefined ? {} : { attempt }),
      log: async (taskId, firstLine, lines) => {
        assert.equal(gateway.position(`execution:${taskId}`).split(":")[1], String(firstLine - 1));
        gateway.log(taskId, lines);
      },
      cut: async () => gateway.cut(),
      mend: async () => gateway.mend(),
      endSession: async () => {
        gateway.session.isOver = true;
        gateway.closeAll(4501, "session revoked");
      },
      eventually: (condition) => browser.eventually(condition),
    });
    const expected = JSON.parse(readFileSync(new URL("scenario.json", import.meta.url), "utf8"));
    assert.deepEqual(story, expected);
  }),
);
