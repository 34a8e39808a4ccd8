// The effect of seed 004's hook `useExecutions`, and its handlers, as the seed has them. Around it stands what React,
// React Query and the login would give it.

import { io } from "socket.io-client";

type Execution = { taskId: string; [field: string]: unknown };
type Update = (old: Execution[] | undefined) => Execution[];

const API_URL = process.env.API_URL ?? "";
const answer = await fetch(`${API_URL}/api/login`, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify({ login: process.env.LOGIN, password: process.env.PASSWORD }),
});
const { token } = await answer.json();
let executions: Execution[] | undefined = await (
  await fetch(`${API_URL}/executions`, { headers: { Authorization: `Bearer ${token}` } })
).json();
const tell = (what: string, value: unknown) => process.stdout.write(JSON.stringify({ what, value }) + "\n");
console.log = (...values) => tell("console", values);
tell("fetched", executions);

const queryClient = {
  setQueryData(_key: string[], update: Update) {
    executions = update(executions);
    tell("executions", executions);
    if (executions[0]?.status === "PASSED") setTimeout(cleanUp, 0);
  },
};
let cleanUp = () => {};
function useEffect(effect: () => (() => void) | undefined, _dependencies: unknown[]) {
  cleanUp = effect() ?? cleanUp;
}

useEffect(() => {
    if (!token) return; // Token guard

    const socket = io(API_URL, {
        auth: {
            token // JWT token from AuthContext
        }
    });

socket.on('auth-success', (data) => {
    console.log('Socket.io authenticated:', data);
});

socket.on('execution-updated', (updatedTask: Partial<Execution>) => {
    console.log('Real-time update received:', updatedTask);

    // Update React Query cache
    queryClient.setQueryData(['executions'], (oldData: Execution[] | undefined) => {
        if (!oldData) return [updatedTask as Execution];

        const index = oldData.findIndex(ex => ex.taskId === updatedTask.taskId);

        if (index !== -1) {
            const newData = [...oldData];
            newData[index] = { ...newData[index], ...updatedTask };
            return newData;
        } else {
            return [updatedTask as Execution, ...oldData];
        }
    });
});

    socket.on('execution-log', (data) => {
        // Handle real-time logs
        tell("log", data);
    });

    return () => {
        socket.disconnect();
    };
}, [queryClient, token]);
