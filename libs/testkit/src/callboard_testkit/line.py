"""A network line that a test can cut: a TCP proxy in threads of its own, for tests without an event loop."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 64 * 1024
LOOPBACK = "127.0.0.1"


class Line:
    """Carries bytes between its own port and the target's until it is cut or goes silent.

    ``cut`` resets every connection and refuses new ones; ``silence`` keeps them open and carries nothing, which is what
    a dead network looks like; ``mend`` ends both, and what was held back is lost with its connection.
    """

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        self.target_port = 0
        self._open = threading.Event()
        self._open.set()
        self._is_cut = False
        self._sockets: set[socket.socket] = set()
        self._guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def cut(self) -> None:
        self._is_cut = True
        self._drop_all()

    def silence(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        was_silent = not self._open.is_set()
        self._is_cut = False
        if was_silent:
            self._drop_all()
        self._open.set()

    def serve(self) -> None:
        """Accept until the listener is closed."""
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._open.set()
        self._drop_all()

    def _carry(self, near: socket.socket) -> None:
        if self._is_cut:
            near.close()
            return
        try:
            far = socket.create_connection((LOOPBACK, self.target_port))
        except OSError:
            near.close()
            return
        with self._guard:
            self._sockets |= {near, far}
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far)
        back.join()
        with self._guard:
            self._sockets -= {near, far}
        near.close()
        far.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._open.wait()
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _drop_all(self) -> None:
        with self._guard:
            dropped = list(self._sockets)
        for end in dropped:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextmanager
def line() -> Iterator[Line]:
    """A line on a port of its own; set ``target_port`` before the first connection."""
    made = Line()
    server = threading.Thread(target=made.serve, daemon=True)
    server.start()
    try:
        yield made
    finally:
        made.close()
        server.join()
