"""Keeps the garbage collector's pauses short, however much is open.

A full collection walks through everything that lives: with ten thousand sockets that is a stop of some tens of
milliseconds for all of them, and nearly all of it was there the last time. So what survives one is set aside. It is
freed as always, when nothing refers to it any more; only cycles in it are not found. Sockets and calls leave none; in
case anything does, now and then a collection walks through all of it again.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_FULL = 2
COLLECTIONS_UNTIL_ALL = 64


class _Survivors:
    def __init__(self) -> None:
        self._collections = 0

    def collected(self, phase: str, info: dict[str, int]) -> None:
        if info["generation"] != _FULL:
            return
        if phase == "stop":
            gc.freeze()
            return
        self._collections += 1
        if self._collections % COLLECTIONS_UNTIL_ALL == 0:
            gc.unfreeze()


@contextmanager
def survivors_set_aside() -> Iterator[None]:
    """Within the block, what survives a full collection is not looked at by the next ones."""
    survivors = _Survivors()
    gc.callbacks.append(survivors.collected)
    try:
        yield
    finally:
        gc.callbacks.remove(survivors.collected)
        gc.unfreeze()
