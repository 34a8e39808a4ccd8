// The key test of seed 000, as the seed has it. Around it stands what its test runner would give it.

import { io as ioClient, type Socket } from "socket.io-client";

const serverPort = process.env.PORT;
const jwt1 = process.env.JWT1;
const jwt2 = process.env.JWT2;
const agent2Id = process.env.AGENT2;
let client1: Socket;
let client2: Socket;

const tell = (what: string, value: unknown) => process.stdout.write(JSON.stringify({ what, value }) + "\n");

let isFirst = true;
function expect(seen: unknown) {
  return {
    toBe(expected: unknown) {
      if (isFirst) tell("expected", { seen, expected });
      // Both agents are online until they are told to go; what they say then is nobody's expectation.
      if (seen === "online") {
        isFirst = false;
        client1.disconnect();
        client2.disconnect();
      }
    },
  };
}
const it = (_name: string, body: () => Promise<void>) => body();

it('should emit presence:update when two agents join the same room', async () => {
  // Connect client 1
  client1 = ioClient(`http://127.0.0.1:${serverPort}/agents`, {
    auth: { jwt: jwt1 },
  });

  client1.on('agent:hello-ack', () => {
    // Connect client 2
    client2 = ioClient(`http://127.0.0.1:${serverPort}/agents`, {
      auth: { jwt: jwt2 },
    });
  });

  // Client 1 should receive presence update from client 2
  client1.on('presence:update', (payload) => {
    expect(payload.agentId).toBe(agent2Id);
    expect(payload.status).toBe('online');
    // ✅ Success: presence visible
  });
});
