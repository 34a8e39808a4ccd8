/**
 * The standard client of Socket.IO, told what to do and telling what it sees, both as lines of JSON.
 *
 * Told, one object a line: `{do, socket, id?}` and for each deed
 * - `connect {url, options}`: a new socket of that name, `options` as `io()` takes them
 * - `emit {event, args}`; with `isAsked` the acknowledgement is waited for: `{what: "answer", id, args}`
 * - `cut`: the transport ends under the socket, as a line does that breaks
 * - `disconnect`
 *
 * Tells `{what, socket, ...}`: `connect {id, recovered}`, `event {event, args}`, `connect_error {message, data,
 * active}`, `disconnect {reason, active}`, `upgrade {transport}`. `active` is whether the client comes back by itself.
 */

import { createInterface } from "node:readline";
import { io } from "socket.io-client";

/** @import { Socket } from "socket.io-client" */

/**
 * @typedef {object} Deed
 * @property {"connect" | "emit" | "cut" | "disconnect"} do
 * @property {string} socket
 * @property {number} [id]
 * @property {string} [url]
 * @property {object} [options]
 * @property {string} [event]
 * @property {unknown[]} [args]
 * @property {boolean} [isAsked]
 */

/** @type {Map<string, Socket>} */
const sockets = new Map();

/** @param {object} line */
function tell(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/**
 * @param {Socket} socket
 * @param {string} name
 */
function watch(socket, name) {
  socket.io.on("open", () => {
    socket.io.engine.on("upgrade", ({ name: transport }) => tell({ what: "upgrade", socket: name, transport }));
  });
  socket.on("connect", () => tell({ what: "connect", socket: name, id: socket.id, recovered: socket.recovered }));
  socket.on("connect_error", (error) => {
    const data = "data" in error ? error.data : null;
    tell({ what: "connect_error", socket: name, message: error.message, data, active: socket.active });
  });
  socket.on("disconnect", (reason) => tell({ what: "disconnect", socket: name, reason, active: socket.active }));
  socket.onAny((event, ...args) => tell({ what: "event", socket: name, event, args }));
}

/** @param {Deed} deed */
function obey(deed) {
  if (deed.do === "connect") {
    const socket = io(deed.url ?? "", deed.options);
    sockets.set(deed.socket, socket);
    watch(socket, deed.socket);
    return;
  }
  const socket = sockets.get(deed.socket);
  if (socket === undefined) throw new Error(`there is no socket ${deed.socket}`);
  if (deed.do === "cut") socket.io.engine.close();
  else if (deed.do === "disconnect") socket.disconnect();
  else {
    const answer = (/** @type {unknown[]} */ ...args) =>
      tell({ what: "answer", socket: deed.socket, id: deed.id, args });
    socket.emit(deed.event ?? "", ...(deed.args ?? []), ...(deed.isAsked ? [answer] : []));
  }
}

for await (const line of createInterface({ input: process.stdin })) obey(JSON.parse(line));
for (const socket of sockets.values()) socket.disconnect();
