// `ws`, and a loop over the sockets of an organisation for each message that Redis publishes: its README's broadcast.
//
//   node ws_server.mjs PORT REDIS_PORT
import { createServer } from "node:http";

import { createClient } from "redis";
import { WebSocket, WebSocketServer } from "ws";

const [port, redisPort] = process.argv.slice(2).map(Number);

/** @type {Map<string, Set<WebSocket>>} */
const members = new Map();

const http = createServer();
const sockets = new WebSocketServer({ server: http, perMessageDeflate: false });
sockets.on("connection", (socket, request) => {
  const organisation = new URL(request.url ?? "/", "http://localhost").searchParams.get("org") ?? "";
  const here = members.get(organisation) ?? new Set();
  members.set(organisation, here.add(socket));
  socket.on("error", () => socket.terminate());
  socket.on("close", () => here.delete(socket));
});

const redis = await createClient({ url: `redis://127.0.0.1:${redisPort}` })
  .on("error", (error) => console.error(error))
  .connect();
await redis.pSubscribe(
  "org:*",
  (message, channel) => {
    for (const socket of members.get(channel.toString().slice("org:".length)) ?? []) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message, { binary: false });
    }
  },
  true, // as a buffer: nothing to encode again for each socket
);
http.listen({ port, host: "127.0.0.1", backlog: 4096 });
