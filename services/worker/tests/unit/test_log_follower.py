import asyncio

from callboard_contracts.executions import LogEvent, LogPage
from callboard_worker.watching.log_follower import LogFollower
from hypothesis import given, settings
from hypothesis import strategies as st


class StoredLog:
    """The producer's side of one execution's log; pages are small so that there are several."""

    def __init__(self) -> None:
        self.lines: list[list[str]] = [[]]

    def append(self, count: int) -> LogEvent:
        stored = self.lines[-1]
        first_line = len(stored) + 1
        stored += [f"{len(self.lines)}/{first_line + number}" for number in range(count)]
        return LogEvent(
            task_id="t", attempt=len(self.lines), first_line=first_line, lines=tuple(stored[first_line - 1 :])
        )

    async def read_log(self, task_id: str, attempt: int | None = None, after: int = 0, limit: int = 1000) -> LogPage:
        assert task_id == "t"
        number = attempt or len(self.lines)
        stored = self.lines[number - 1]
        lines = tuple(stored[after : after + min(limit, 3)])
        following = after + len(lines) if after + len(lines) < len(stored) else None
        return LogPage(
            attempt=number, first_line=after + 1, lines=lines, position=f"{number}:{after}", next_after=following
        )


# What happens to a chunk: heard once, heard twice, not heard, heard late; or a new attempt begins.
steps = st.lists(st.tuples(st.sampled_from(["heard", "twice", "missed", "late", "attempt"]), st.integers(1, 7)))


async def followed(plan: list[tuple[str, int]]) -> tuple[list[str], StoredLog]:
    log, shown, late = StoredLog(), list[str](), list[LogEvent]()
    follower = LogFollower(log, "t")

    async def hear(event: LogEvent) -> None:
        shown.extend([text async for lines in follower.take(event) for text in lines.texts])

    for what, count in plan:
        if what == "attempt":
            if log.lines[-1]:
                log.lines.append([])
            continue
        event = log.append(count)
        if what == "late":
            late.append(event)
        for _ in range({"heard": 1, "twice": 2}.get(what, 0)):
            await hear(event)
        if what == "heard" and late:
            await hear(late.pop())
    shown.extend([text async for lines in follower.catch_up() for text in lines.texts])
    return shown, log


@settings(deadline=None)
@given(steps)
def test_each_attempt_is_shown_from_its_first_line_without_gap_or_repeat(plan: list[tuple[str, int]]) -> None:
    shown, log = asyncio.run(followed(plan))
    attempts = sorted({int(text.partition("/")[0]) for text in shown})
    assert shown == [text for attempt in attempts for text in log.lines[attempt - 1]]
    assert not log.lines[-1] or attempts[-1] == len(log.lines)
