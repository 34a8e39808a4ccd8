"""uWebSockets through socketify: one topic per organisation, published to by a timer of its own event loop.

    python -m benchmarks.peers.programs.uwebsockets_server PORT CONTROL_PORT ORGANISATIONS

A connection to the control port sends one line, ``RATE SECONDS SIZE ORGANISATION``, and is answered with one when that
has been published. Nothing but the timer and the upgrades is Python: topics, frames and writes are the library's.
"""

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass, field

from socketify import App, OpCode, WebSocket

from benchmarks.server import event

IDLE_MS, PUBLISHING_MS = 20, 1
MAX_WAITING_BYTES = 1 << 20  # as ours; what does not fit is left out and so counted as a gap


@dataclass(slots=True)
class Job:
    rate: int
    seconds: float
    size: int
    topic: str
    began: float = 0.0
    published: int = 0
    took: float = 0.0
    is_over: threading.Event = field(default_factory=threading.Event)


class Publisher:
    """`tick` is called by the event loop of uWebSockets, `publish` by the thread that reads the control port."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._job: Job | None = None
        self._timer = app.loop.uv_loop.create_timer(IDLE_MS, IDLE_MS, self._tick, None)

    def publish(self, job: Job) -> None:
        self._job = job
        job.is_over.wait()

    def _tick(self, _: None) -> None:
        job = self._job
        if job is None:
            return
        now = time.monotonic()
        if job.began == 0.0:
            job.began = now
            self._timer.set_repeat(PUBLISHING_MS)
        job.took = now - job.began
        due = int(job.rate * min(job.took, job.seconds))
        while job.published < due:
            job.published += 1
            self._app.publish(job.topic, event(job.published, job.size), OpCode.TEXT)
        if job.took >= job.seconds:
            self._job = None
            self._timer.set_repeat(IDLE_MS)
            job.is_over.set()


def topic_of(organisation: int) -> str:
    return f"org-{organisation}"


def add_route(app: App, organisation: int) -> None:
    topic = topic_of(organisation)

    def opened(ws: WebSocket) -> None:
        ws.subscribe(topic)

    behavior = {"open": opened, "max_backpressure": MAX_WAITING_BYTES, "send_pings_automatically": True}
    app.ws(f"/{organisation}", behavior)


def obey(listener: socket.socket, publisher: Publisher) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as lines:
            rate, seconds, size, organisation = lines.readline().split()
            job = Job(int(rate), float(seconds), int(size), topic_of(int(organisation)))
            publisher.publish(job)
            lines.write(json.dumps({"published": job.published, "seconds": job.took}) + "\n")


def main() -> None:
    port, control_port, organisations = map(int, sys.argv[1:])
    listener = socket.create_server(("127.0.0.1", control_port))
    app = App(lifespan=False)
    for organisation in range(organisations):
        add_route(app, organisation)
    app.listen({"port": port, "host": "127.0.0.1"}, lambda _: None)
    publisher = Publisher(app)
    threading.Thread(target=obey, args=(listener, publisher), daemon=True).start()
    # The library's own run() turns asyncio and its loop in turns and never sleeps; nothing here needs asyncio.
    app.loop.uv_loop.run()


if __name__ == "__main__":
    main()
