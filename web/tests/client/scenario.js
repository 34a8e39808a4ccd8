/**
 * One story about the client, told against a gateway in memory (scenario.test.js) and against a real suite, in a real
 * page (tests-e2e/browser/test_client.py). So what the gateway in memory does is what the real one does.
 *
 * It is one function without imports: it is also handed to a page as text.
 *
 * @typedef {object} World
 * @property {(taskId: string, status: string, attempt?: number) => Promise<unknown>} post  a worker posts a status
 * @property {(taskId: string, firstLine: number, lines: string[]) => Promise<unknown>} log  a worker sends lines
 * @property {() => Promise<unknown>} cut  the line to the gateway is cut
 * @property {() => Promise<unknown>} mend
 * @property {() => Promise<unknown>} endSession  the session is ended elsewhere
 * @property {(condition: () => unknown) => Promise<unknown>} eventually
 */

/**
 * @param {import("../../callboard.js").Callboard} callboard  signed in, idle
 * @param {World} world
 * @returns {Promise<unknown[]>} what happened, see scenario.json
 */
export async function scenario(callboard, world) {
  /** @type {unknown[]} */
  const story = [];
  /** @type {string[]} */
  const lines = [];
  /** @type {string[]} */
  let executions = [];
  let lastLog = "";

  callboard.on("state", ({ name }) => {
    if (name !== "connecting" && name !== "reconnecting") story.push(name);
  });
  callboard.followExecutions((all) => {
    executions = all.map(({ taskId, status, version }) => `${taskId} ${status} ${version}`);
  });
  callboard.connect();
  await world.eventually(() => callboard.state.name === "live");
  await world.post("first", "RUNNING");
  await world.post("second", "RUNNING");
  await world.eventually(() => executions.length === 2);
  story.push(executions);

  callboard.subscribe("nowhere", { onRefused: ({ code, temporary }) => story.push({ code, temporary }) });
  callboard.subscribe("room:closed", { onRefused: ({ code, temporary }) => story.push({ code, temporary }) });
  await world.eventually(() => story.length === 4);
  const echo = await callboard.request({ type: "chat", content: "Hello!" });
  story.push([echo.type, echo.channel, echo.data.content]);
  story.push(await callboard.request({ type: "subscribe" }).catch(({ code, status }) => ({ code, status })));

  await world.log("first", 1, ["1", "2", "3"]);
  callboard.followLog(
    "first",
    ({ attempt, firstLine, lines: more }) => {
      lastLog = `${attempt}:${firstLine + more.length - 1}`;
      lines.push(...more);
    },
    { onRestart: (attempt) => lines.push(`attempt ${attempt}`) },
  );
  await world.eventually(() => lastLog === "1:3");
  await world.log("first", 4, ["4"]);
  await world.eventually(() => lastLog === "1:4");

  await world.cut();
  await world.eventually(() => callboard.state.name === "reconnecting");
  await world.log("first", 5, ["5", "6"]);
  await world.post("first", "FAILED");
  await world.post("first", "RUNNING", 2);
  await world.log("first", 1, ["anew"]);
  await world.mend();
  await world.eventually(() => callboard.state.name === "live");
  await world.eventually(() => lastLog === "2:1");
  await world.log("first", 2, ["and on"]);
  await world.eventually(() => lastLog === "2:2");
  story.push(lines);
  await world.eventually(() => executions.includes("first RUNNING 3"));
  story.push(executions);

  await world.endSession();
  await world.eventually(() => callboard.state.name === "ended");
  const { name, cause, code } = /** @type {any} */ (callboard.state);
  story.push({ name, cause, code });
  const refused = await callboard.fetch("/producer/executions").catch(({ status }) => status);
  story.push(refused);
  return story;
}
