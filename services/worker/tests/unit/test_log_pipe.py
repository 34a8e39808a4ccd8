import asyncio
import json

import pytest
from callboard_contracts.executions import MAX_CHUNK_BYTES, MAX_LINE_BYTES, MAX_LINES_PER_CHUNK, wire_bytes
from callboard_testkit.waiting import eventually
from callboard_worker.sdk import log_pipe
from callboard_worker.sdk.log_pipe import LogPipe
from hypothesis import given, settings
from hypothesis import strategies as st

Chunk = tuple[int, list[str]]


async def piped(lines: list[str], first_line: int = 1) -> list[Chunk]:
    chunks: list[Chunk] = []

    async def send(first: int, texts: list[str]) -> None:
        await asyncio.sleep(0)
        chunks.append((first, texts))

    pipe = LogPipe(send, first_line)
    sender = asyncio.create_task(pipe.drain())
    for line in lines:
        await pipe.put([line])
    await pipe.close()
    await sender
    return chunks


some_lines = st.lists(
    st.builds(lambda text, times: (text * times)[: MAX_LINE_BYTES // 4], st.text(max_size=3), st.integers(0, 4_000)),
    max_size=40,
)


@settings(max_examples=50, deadline=None)
@given(some_lines, st.integers(1, 1000))
def test_chunks_are_the_lines_numbered_without_gap_within_the_bounds(lines: list[str], first_line: int) -> None:
    chunks = asyncio.run(piped(lines, first_line))
    expected = first_line
    for first, texts in chunks:
        assert first == expected
        assert 1 <= len(texts) <= MAX_LINES_PER_CHUNK
        assert len(json.dumps(texts, ensure_ascii=False).encode()) <= MAX_CHUNK_BYTES + 2 * len(texts)
        expected += len(texts)
    assert [text for _, texts in chunks for text in texts] == lines


async def test_more_lines_than_a_chunk_takes_are_several_chunks() -> None:
    chunks = await piped(["x"] * (2 * MAX_LINES_PER_CHUNK + 1))
    assert max(len(texts) for _, texts in chunks) == MAX_LINES_PER_CHUNK
    assert sum(len(texts) for _, texts in chunks) == 2 * MAX_LINES_PER_CHUNK + 1


async def test_the_longest_line_of_control_characters_fits_into_a_chunk() -> None:
    line = "\x01" * MAX_LINE_BYTES
    assert await piped([line]) == [(1, [line])]


async def test_lines_are_sent_without_waiting_for_a_full_chunk() -> None:
    sent = asyncio.Event()

    async def send(_first: int, _texts: list[str]) -> None:
        sent.set()

    pipe = LogPipe(send, 1)
    sender = asyncio.create_task(pipe.drain())
    await pipe.put(["one"])
    async with asyncio.timeout(5):
        await sent.wait()
    sender.cancel()


async def test_whoever_makes_lines_waits_while_the_pipe_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "x" * 20
    monkeypatch.setattr(log_pipe, "MAX_HELD_BYTES", 4 * wire_bytes(line))
    gate = asyncio.Event()
    sent: list[str] = []

    async def send(_first: int, texts: list[str]) -> None:
        await gate.wait()
        sent.extend(texts)

    pipe = LogPipe(send, 1)
    sender = asyncio.create_task(pipe.drain())
    producer = asyncio.create_task(pipe.put([line] * 50))
    # One chunk is on its way, and as much waits behind it.
    await eventually(lambda: pipe._held_bytes == 4 * wire_bytes(line))
    assert not producer.done()
    gate.set()
    await producer
    await pipe.close()
    await sender
    assert sent == [line] * 50


async def test_what_sending_raises_reaches_whoever_makes_lines() -> None:
    async def send(_first: int, _texts: list[str]) -> None:
        raise ZeroDivisionError

    pipe = LogPipe(send, 1)
    sender = asyncio.create_task(pipe.drain())
    await pipe.put(["one"])
    await asyncio.wait({sender})
    with pytest.raises(ZeroDivisionError):
        await pipe.put(["two"])
    assert isinstance(sender.exception(), ZeroDivisionError)
