// A client as seed 001 has its users write it: path `/ws`, the token in `auth`, the four events of an agent.

import { io } from "socket.io-client";

const tell = (what: string, value: unknown) => process.stdout.write(JSON.stringify({ what, value }) + "\n");

const socket = io(process.env.API_URL ?? "", { path: "/ws", auth: { token: process.env.TOKEN } });
socket.on("connect", () => tell("connect", socket.id));
socket.on("connect_error", (error) => tell("connect_error", error));
for (const event of ["agent:thought", "agent:tool_call", "agent:result", "agent:error"]) {
  socket.on(event, (payload) => {
    tell(event, payload);
    if (event === "agent:error") socket.disconnect();
  });
}
