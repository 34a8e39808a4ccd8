"""Tells a uWebSockets server to publish, and prints what it answers: `CONTROL_PORT RATE SECONDS SIZE ORGANISATION`."""

import socket
import sys


def main() -> None:
    port, *job = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port))) as connection, connection.makefile("rw") as lines:
        lines.write(" ".join(job) + "\n")
        lines.flush()
        sys.stdout.write(lines.readline())


if __name__ == "__main__":
    main()
