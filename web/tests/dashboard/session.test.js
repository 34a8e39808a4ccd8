import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Session } from "../../dashboard/session.js";

/** @param {string} login */
function accountOf(login) {
  return { user: { id: login, login, email: null, role: "owner" }, organization: { id: `org-${login}`, name: login } };
}

/**
 * A tab whose cookie can be changed.
 *
 * @param {import("node:test").TestContext} context
 * @param {string | null} login
 */
async function tab(context, login) {
  const world = { cookie: login, reloads: 0, connects: 0, asked: /** @type {string[]} */ ([]) };
  const callboard = {
    admits: async (/** @type {boolean} */ _isWriting) => true,
    ask: async (/** @type {string} */ path) => {
      world.asked.push(path);
      if (path.endsWith("/login")) world.cookie = "bob";
      if (path.endsWith("/logout")) world.cookie = null;
      if (path.endsWith("/me") && world.cookie === null) throw Object.assign(new Error(), { status: 401 });
      return new Response(JSON.stringify(world.cookie === null ? {} : accountOf(world.cookie)));
    },
    close: () => {},
    connect: () => void (world.connects += 1),
  };
  const session = new Session(callboard, channel(context), () => void (world.reloads += 1));
  await session.load();
  return { world, callboard, session };
}

/** @param {import("node:test").TestContext} context */
function channel(context) {
  const made = new BroadcastChannel("identity");
  context.after(() => made.close());
  return made;
}

/** @param {() => boolean} condition */
async function until(condition) {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `not in time: ${condition}`);
    await turn();
  }
}

test("a tab is told when another one is somebody else's, and is left alone when it is not", async (context) => {
  const { world } = await tab(context, "alice");
  const other = channel(context);
  other.postMessage({ userId: "alice", organizationId: "org-alice" });
  other.postMessage({ userId: "alice", organizationId: "org-elsewhere" });
  other.postMessage({ userId: "bob", organizationId: "org-bob" });
  await until(() => world.reloads >= 2);
  assert.equal(world.reloads, 2);
});

test("after a sign-out in another tab pages are refused, and the connection finds its end", async (context) => {
  const { world, session, callboard } = await tab(context, "alice");
  channel(context).postMessage(null);
  await until(() => session.account === null);
  assert.equal(await callboard.admits(false), false);
  assert.deepEqual([world.connects, world.reloads], [1, 0]);
});

test("each change of identity is announced", async (context) => {
  /** @type {unknown[]} */
  const heard = [];
  channel(context).onmessage = ({ data }) => heard.push(data);
  const { session } = await tab(context, null);
  await session.signIn({ login: "bob", password: "x" });
  await session.signOut();
  await until(() => heard.length === 3);
  assert.deepEqual(heard, [null, { userId: "bob", organizationId: "org-bob" }, null]);
});

test("a page writes only while the cookie is of whom it is shown to", async (context) => {
  const { world, callboard } = await tab(context, "alice");
  assert.equal(await callboard.admits(true), true);
  world.cookie = "bob";
  assert.equal(await callboard.admits(true), false);
  assert.equal(world.reloads, 1);
});

test("a session that has ended does not sign out whoever came after", async (context) => {
  const { world, session } = await tab(context, "alice");
  session.account = null;
  world.cookie = "bob";
  await session.signOut();
  assert.equal(world.cookie, "bob");
});
