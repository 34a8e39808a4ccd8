"""Seed 004: a dashboard that follows its organisation's executions, on one base URL for REST and `io()`."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from callboard_testkit.node_socketio import NodeClient, node_program
from callboard_testkit.socketio_client import Connect, Json
from callboard_testkit.suite import PASSWORD, Account, Addresses

SEED = Path(__file__).parent / "seeds" / "seed_004.ts"
POSTED: dict[str, Any] = {
    "startTime": "2026-01-29T10:00:00Z",
    "browser": {"name": "firefox", "tags": ["a", "ä"]},
    "retries": 0,
}

Post = Callable[[str, Json], Awaitable[Json]]


def success(account: Account) -> Json:
    return {
        "message": "Connected to organization channel",
        "organizationId": account.organization["id"],
        "userId": account.user["id"],
        "role": "owner",
    }


def update(account: Account, task_id: str, status: str = "RUNNING", **fields: Any) -> Json:
    return {"taskId": task_id, "organizationId": account.organization["id"], "status": status} | fields


async def test_a_good_token_is_answered_with_auth_success(connect: Connect, account: Account) -> None:
    client = await connect(auth={"token": account.token})
    await client.connected()
    assert await client.event("auth-success") == success(account)


async def test_a_token_may_also_be_called_jwt_or_be_a_connect_token(connect: Connect, account: Account) -> None:
    for auth in ({"jwt": account.token}, {"token": await account.ticket()}):
        client = await connect(auth=auth)
        assert await client.event("auth-success") == success(account)


@pytest.mark.parametrize(
    ("auth", "error"),
    [
        ({}, "Authentication required"),
        ({"token": ""}, "Authentication required"),
        ({"token": "not.a.token"}, "Invalid or expired token"),
        ({"token": 7}, "Invalid or expired token"),
    ],
)
async def test_a_bad_token_is_told_in_an_event_and_ends_the_client_for_good(
    connect: Connect, auth: Json, error: str
) -> None:
    client = await connect(auth=auth)
    await client.connected()
    assert await client.event("auth-error") == {"error": error}
    assert (await client.disconnected())["active"] is False
    assert client.heard("auth-success") == []


async def test_a_logout_disconnects_for_good(connect: Connect, account: Account, addresses: Addresses) -> None:
    client = await connect(auth={"token": account.token})
    await client.event("auth-success")
    assert (await account.post(f"{addresses.gateway}/api/logout")).is_success
    assert (await client.disconnected())["active"] is False


async def test_a_logout_disconnects_a_client_that_only_polls_for_good(
    connect_node: Callable[..., Awaitable[NodeClient]], account: Account, addresses: Addresses
) -> None:
    client = await connect_node(auth={"token": account.token}, transports=["polling"])
    await client.event("auth-success")
    assert (await account.post(f"{addresses.gateway}/api/logout")).is_success
    assert (await client.disconnected())["reason"] == "io server disconnect"


async def test_an_update_comes_as_it_was_posted_with_attempt_and_version(
    connect: Connect, account: Account, post: Post
) -> None:
    client = await connect(auth={"token": account.token})
    await client.event("auth-success")
    first, second = update(account, "task-1", **POSTED), update(account, "task-1", "PASSED", note="done")
    assert (await post("/executions/update", first))["status"] == "broadcasted"
    assert await client.event("execution-updated") == first | {"attempt": 1, "version": 1}
    await post("/executions/update", second)
    assert await client.event("execution-updated") == second | {"attempt": 1, "version": 2}


async def test_a_change_that_nobody_posted_says_which_execution_is_how(
    connect: Connect, account: Account, post: Post
) -> None:
    client = await connect(auth={"token": account.token})
    await client.event("auth-success")
    created = await post("/executions", {"taskId": "task-1"})
    told = await client.event("execution-updated")
    wanted = {"taskId": "task-1", "organizationId": account.organization["id"], "status": "PENDING"}
    assert wanted.items() <= told.items()
    assert (told["attempt"], told["version"]) == (created["attempt"], created["version"])


async def test_log_lines_come_as_one_text(connect: Connect, account: Account, post: Post) -> None:
    client = await connect(auth={"token": account.token})
    await client.event("auth-success")
    await post("/executions/update", update(account, "task-1"))
    await post("/executions/task-1/logs", {"firstLine": 1, "lines": ["Running test suite...", "", "grün ✓"]})
    assert await client.event("execution-log") == {"taskId": "task-1", "log": "Running test suite...\n\ngrün ✓\n"}


async def test_organisations_hear_nothing_of_each_other(
    connect: Connect, account: Account, stranger: Account, addresses: Addresses
) -> None:
    own, foreign = await connect(auth={"token": account.token}), await connect(auth={"token": stranger.token})
    await own.event("auth-success")
    await foreign.event("auth-success")
    for number in range(5):
        for poster in (account, stranger):
            body = update(poster, f"task-{number}", owner=poster.login)
            assert (await poster.post(f"{addresses.gateway}/executions/update", json=body)).is_success
    for client, poster in ((own, account), (foreign, stranger)):
        for _ in range(5):
            await client.event("execution-updated")
        assert {told["owner"] for told in client.heard("execution-updated")} == {poster.login}


async def test_what_a_dashboard_emits_is_ignored(connect: Connect, account: Account) -> None:
    client = await connect(auth={"token": account.token})
    await client.event("auth-success")
    await client.emit("cancel-execution", {"taskId": "task-123"})
    answer = await client.ask("cancel-execution", {"taskId": "task-123"})
    assert answer.items() >= {"ok": False, "code": "unknown-event"}.items()


@pytest.mark.parametrize("options", [{}, {"transports": ["websocket"]}, {"transports": ["polling"]}])
async def test_a_client_whose_line_broke_comes_back_and_hears_again(
    connect_node: Callable[..., Awaitable[NodeClient]], account: Account, post: Post, options: Json
) -> None:
    client = await connect_node(auth={"token": account.token}, **options)
    await client.event("auth-success")
    await client.cut()
    assert (await client.disconnected())["active"] is True
    await client.event("auth-success")
    await post("/executions/update", body := update(account, "task-1"))
    assert (await client.event("execution-updated")).items() >= body.items()


async def test_by_default_a_client_changes_from_polling_to_websocket(
    connect_node: Callable[..., Awaitable[NodeClient]], account: Account, post: Post
) -> None:
    client = await connect_node(auth={"token": account.token})
    await client.event("auth-success")
    await client.upgraded()
    await post("/executions/update", update(account, "task-1"))
    assert (await client.event("execution-updated"))["taskId"] == "task-1"


async def test_the_hook_of_the_seed_shows_what_happens(account: Account, addresses: Addresses, post: Post) -> None:
    await post("/executions/update", update(account, "before", startTime="2026-01-29T09:00:00Z"))
    login = {"LOGIN": account.user["email"], "PASSWORD": PASSWORD}
    async with node_program(SEED, API_URL=addresses.gateway, **login) as hook:
        fetched = (await hook.take(what="fetched"))["value"]
        assert [execution["taskId"] for execution in fetched] == ["before"]
        await hook.take(what="console", value=["Socket.io authenticated:", success(account)])
        await post("/executions/update", update(account, "task-1", browser="firefox"))
        await post("/executions/task-1/logs", {"firstLine": 1, "lines": ["one", "two"]})
        await post("/executions/update", update(account, "task-1", "PASSED"))
        assert (await hook.take(what="log"))["value"] == {"taskId": "task-1", "log": "one\ntwo\n"}
        await hook.take(what="executions")
        task, before = (await hook.take(what="executions"))["value"]
    assert task.items() >= {"taskId": "task-1", "status": "PASSED", "browser": "firefox", "version": 2}.items()
    assert before["taskId"] == "before"
