"""Clauses CHANNEL-*: what a socket hears, and what it cannot hear."""

import pytest
from callboard_testkit.native_client import Json
from callboard_testkit.suite import Account
from websockets.exceptions import InvalidStatus


async def write_lines(account: Account, task_id: str, first: int, *lines: str) -> Json:
    body = {"firstLine": first, "lines": list(lines)}
    answer = await account.post(f"{account.door.producer}/executions/{task_id}/logs", json=body)
    answer.raise_for_status()
    written: Json = answer.json()
    return written


@pytest.mark.clause("CHANNEL-1")
async def test_another_organisation_hears_nothing_of_ours(account: Account, stranger: Account) -> None:
    async with account.socket() as ours, stranger.socket() as theirs:
        for channel in ("execution:task-1", "logs"):
            await ours.ask(type="subscribe", channel=channel)
            await theirs.ask(type="subscribe", channel=channel)
        await account.update("task-1", "RUNNING")
        await write_lines(account, "task-1", 1, "secret of ours")
        await ours.send(type="chat", content="secret of ours")
        assert (await ours.receive())["type"] == "execution-updated"
        assert {(await ours.receive())["channel"] for _ in range(2)} == {"execution:task-1", "logs"}
        assert (await ours.receive())["type"] == "echo"
        assert await theirs.hears_nothing()


@pytest.mark.clause("CHANNEL-1")
async def test_a_channel_name_cannot_lead_into_another_organisation(account: Account, stranger: Account) -> None:
    theirs = stranger.organization["id"]
    names = [
        f"{theirs}:org",
        f"org:{theirs}",
        f"cb:{{{theirs}}}:org",
        f"execution:{theirs}:org",
        f"execution:../{theirs}",
        "logs:*",
        "execution:*",
        "execution:{x}",
        "room:general:meta",
        "org:meta",
        "",
    ]
    async with account.socket() as client:
        for name in names:
            answer = await client.ask(type="subscribe", channel=name)
            assert answer["code"] in {"unknown-channel", "forbidden"}, name


@pytest.mark.clause("CHANNEL-2")
async def test_an_update_is_told_as_the_whole_row(account: Account) -> None:
    async with account.socket() as client:
        posted = await account.update("task-1", "RUNNING", startTime="2026-01-29T10:00:00Z", suite="checkout")
        event = await client.receive()
    assert event["type"] == "execution-updated"
    assert event["channel"] == "org"
    assert event["position"] == posted.json()["position"]
    data = event["data"]
    assert data == {
        "taskId": "task-1",
        "organizationId": account.organization["id"],
        "status": "RUNNING",
        "attempt": 1,
        "version": 1,
        "startTime": "2026-01-29T10:00:00.000Z",
        "endTime": None,
        "createdAt": data["createdAt"],
        "updatedAt": data["updatedAt"],
        "suite": "checkout",
    }


@pytest.mark.clause("CHANNEL-3")
@pytest.mark.clause("CHANNEL-5")
async def test_log_lines_come_by_number(account: Account) -> None:
    await account.update("task-1", "RUNNING")
    await write_lines(account, "task-1", 1, "one", "two")
    async with account.socket() as client:
        answer = await client.ask(type="subscribe", channel="execution:task-1", id=1)
        assert answer == {
            "type": "subscribed",
            "replyTo": 1,
            "channel": "execution:task-1",
            "position": "1:2",
            "recovered": None,
        }
        await write_lines(account, "task-1", 3, "three", "four")
        event = await client.receive()
    assert event["type"] == "execution-log"
    assert event["position"] == "1:4"
    assert event["data"] == {"taskId": "task-1", "attempt": 1, "firstLine": 3, "lines": ["three", "four"]}


@pytest.mark.clause("CHANNEL-4")
async def test_logs_carries_the_lines_of_every_execution(account: Account) -> None:
    async with account.socket() as client:
        await client.ask(type="subscribe", channel="logs")
        for task_id in ("task-1", "task-2"):
            await account.update(task_id, "RUNNING")
            await write_lines(account, task_id, 1, "hello")
        logs = [await client.receive_until("execution-log") for _ in range(2)]
    assert [event["data"]["taskId"] for event in logs] == ["task-1", "task-2"]
    assert {event["channel"] for event in logs} == {"logs"}


@pytest.mark.clause("CHANNEL-4")
async def test_the_largest_chunks_reach_who_watches_both_channels(account: Account) -> None:
    await account.update("task-1", "RUNNING")
    lines = ["\x1b" * 2_600] * 16  # escaped, each is six times as long
    async with account.socket() as client:
        for channel in ("execution:task-1", "logs"):
            await client.ask(type="subscribe", channel=channel)
        for number in range(5):
            await write_lines(account, "task-1", 1 + number * len(lines), *lines)
        heard = [await client.receive() for _ in range(10)]
        assert await client.hears_nothing()
    assert all(event["data"]["lines"] == lines for event in heard)


@pytest.mark.clause("CHANNEL-6")
async def test_nothing_comes_after_unsubscribed(account: Account) -> None:
    await account.update("task-1", "RUNNING")
    async with account.socket() as client:
        await client.ask(type="subscribe", channel="execution:task-1")
        answer = await client.ask(type="unsubscribe", channel="execution:task-1", id="u")
        assert answer == {"type": "unsubscribed", "replyTo": "u", "channel": "execution:task-1"}
        await write_lines(account, "task-1", 1, "unheard")
        assert await client.hears_nothing()


@pytest.mark.clause("CHANNEL-7")
async def test_recovered_is_true_only_where_nothing_happened_since(account: Account) -> None:
    position = (await account.update("task-1", "RUNNING")).json()["position"]
    async with account.socket(f"?positions=org@{position}") as client:
        states = {state["channel"]: state["recovered"] for state in client.connected["channels"]}
        assert states == {"org": True, "room:general": None}
    await account.update("task-1", "PASSED")
    async with account.socket(f"?positions=org@{position},execution:task-1@1:0") as client:
        states = {state["channel"]: state["recovered"] for state in client.connected["channels"]}
        assert states == {"org": False, "room:general": None, "execution:task-1": False}
        answer = await client.ask(type="subscribe", channel="logs", position="0000:5")
        assert answer["recovered"] is False
        answer = await client.ask(type="subscribe", channel="logs", position=answer["position"])
        assert answer["recovered"] is True


@pytest.mark.clause("CHANNEL-8")
async def test_channels_that_are_not_ours_are_refused(account: Account) -> None:
    async with account.socket() as client:
        for name in ("nothing", "presence:x", "execution:", "execution:a b", "room:", "org:x", "logs:x"):
            answer = await client.ask(type="subscribe", channel=name, id=name)
            assert (answer["code"], answer["replyTo"], answer["temporary"]) == ("unknown-channel", name, False)
        assert (await client.ask(type="subscribe", channel="room:other"))["code"] == "forbidden"
        assert (await client.ask(type="subscribe", channel="logs", position="nowhere"))["code"] == "invalid-position"


@pytest.mark.clause("CHANNEL-9")
@pytest.mark.parametrize(
    "positions",
    [
        "org",
        "org@",
        "@e:1",
        "org@e",
        "org@e:-1",
        "nothing@e:1",
        "room:other@e:1",
        ",".join(f"execution:t{n}@1:1" for n in range(33)),
    ],
)
async def test_positions_that_cannot_be_read_are_refused_before_the_upgrade(account: Account, positions: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with account.socket(f"?positions={positions}"):
            pass
    assert refused.value.response.status_code == 400
    assert b'"invalid-positions"' in (refused.value.response.body or b"")
