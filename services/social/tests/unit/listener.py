"""An outlet that remembers what is put in."""

from callboard_contracts.close_codes import CloseCode
from callboard_social.wire.connection import Behind
from callboard_social.wire.protocol import Batch, Frame


class Listener:
    """Keeps the frames in the order in which its client would read them; it must not be closed."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.frames: list[Frame] = []
        self._behind: Behind | None = None

    @property
    def kinds(self) -> list[str]:
        return [frame.kind for frame in self.frames]

    @property
    def texts(self) -> list[str]:
        return [frame.text for frame in self.frames]

    def follow(self, behind: Behind | None) -> None:
        self._behind = behind

    def enqueue(self, frame: Frame) -> None:
        if self._behind is not None:
            self._behind.catch_up()
        self.frames.append(frame)

    def write(self, batch: Batch) -> None:
        self.frames += batch.frames

    def close(self, code: CloseCode) -> None:
        raise AssertionError(f"closed with {code}")

    def drop(self, code: CloseCode) -> None:
        raise AssertionError(f"dropped with {code}")
