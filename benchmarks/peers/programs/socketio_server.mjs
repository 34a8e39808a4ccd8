// Socket.IO with the Redis adapter, one room per organisation; Redis' side of it publishes as @socket.io/redis-emitter does.
// From "Performance tuning" and "Memory usage" of its documentation: bufferutil, no compression, the first request let go.
//
//   node socketio_server.mjs PORT REDIS_PORT
import { createServer } from "node:http";

import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [port, redisPort] = process.argv.slice(2).map(Number);

const publishing = createClient({ url: `redis://127.0.0.1:${redisPort}` }).on("error", (error) => console.error(error));
const subscribing = publishing.duplicate().on("error", (error) => console.error(error));
await Promise.all([publishing.connect(), subscribing.connect()]);

const http = createServer();
const io = new Server(http, {
  adapter: createAdapter(publishing, subscribing),
  transports: ["websocket"],
  perMessageDeflate: false,
  serveClient: false,
});
io.engine.on("connection", (transport) => {
  transport.request = null;
});
io.on("connection", (socket) => {
  socket.join(`org:${socket.handshake.auth.org}`);
});
http.listen({ port, host: "127.0.0.1", backlog: 4096 });
