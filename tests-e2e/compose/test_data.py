"""What was acknowledged stays: through restarts, `down`, and the loss of everything but a backup."""

from collections.abc import Iterator

import httpx
import pytest
from callboard_testkit.compose import STAYING, Compose, service_of
from callboard_testkit.suite import PASSWORD, Account
from callboard_testkit.waiting import eventually

PAGE, HEADING = "docs/operations.md", "With PostgreSQL"
PATIENCE_SECONDS = 60.0
LINES = ["first", "second"]
SAID = "All is well."
KILLED = 137


@pytest.fixture
async def reporter(account: Account) -> Account:
    """Somebody with a finished execution and its log, who has said something."""
    await account.update("kept", "RUNNING")
    logs = f"{account.door.producer}/executions/kept/logs"
    (await account.post(logs, json={"firstLine": 1, "lines": LINES})).raise_for_status()
    assert (await account.update("kept", "PASSED")).status_code == 200
    (await account.post(messages_of(account), json={"content": SAID})).raise_for_status()
    return account


def messages_of(account: Account) -> str:
    return f"{account.door.social}/api/socials/rooms/general/messages"


async def finds_everything(account: Account) -> bool:
    """Sign in anew, and see the execution, its log and the message; False while a service is not back yet."""
    login = {"login": account.login, "password": PASSWORD}
    try:
        session = await account.http.post(f"{account.door.auth}/api/login", json=login)
        account.http.cookies.clear()
        if session.status_code >= 500:
            return False
        account.token = session.raise_for_status().json()["token"]
        found = await account.get(f"{account.door.producer}/executions/kept")
        logs = await account.get(f"{account.door.producer}/executions/kept/logs")
        said = await account.get(messages_of(account))
        newer = await account.update("newer", "RUNNING")
    except httpx.TransportError:
        return False
    if max(answer.status_code for answer in (found, logs, said, newer)) >= 500:
        return False
    assert found.raise_for_status().json()["status"] == "PASSED"
    assert logs.raise_for_status().json()["lines"] == LINES
    assert [message["content"] for message in said.raise_for_status().json()["messages"]] == [SAID]
    assert newer.status_code == 200
    return True


@pytest.mark.parametrize("store", ["redis", "postgres"])
async def test_a_restart_of_a_store_loses_nothing(compose: Compose, reporter: Account, store: str) -> None:
    compose.run("restart", store)
    compose.wait_until_healthy()
    await eventually(lambda: finds_everything(reporter), PATIENCE_SECONDS)


async def test_down_and_up_keeps_the_data_and_ends_in_peace(compose: Compose, reporter: Account) -> None:
    compose.run("stop")
    ended = {service_of(container): container["State"]["ExitCode"] for container in compose.containers(*STAYING)}
    assert ended.keys() == set(STAYING)
    assert [service for service, code in ended.items() if code == KILLED] == []
    compose.run("down")
    assert compose.containers() == []
    compose.up()
    await eventually(lambda: finds_everything(reporter), PATIENCE_SECONDS)


@pytest.fixture
def backup(compose: Compose, reporter: Account) -> Iterator[Account]:
    """Somebody whose data is in a backup, made as the page says."""
    compose.follow(PAGE, HEADING, 0)
    assert {path.name for path in (compose.directory / "backup").iterdir()} == {
        "auth.dump",
        "social.dump",
        "producer.dump",
        ".env",
    }
    yield reporter
    compose.up()


async def test_a_backup_brings_everything_back_after_the_volumes_are_gone(compose: Compose, backup: Account) -> None:
    compose.run("down", "-v")
    compose.follow(PAGE, HEADING, 1)
    compose.wait_until_healthy()
    await eventually(lambda: finds_everything(backup), PATIENCE_SECONDS)


async def test_a_backup_undoes_what_came_after_it(compose: Compose, backup: Account) -> None:
    assert (await backup.update("too-late", "RUNNING")).status_code == 200
    compose.follow(PAGE, HEADING, 1)
    compose.wait_until_healthy()
    await eventually(lambda: finds_everything(backup), PATIENCE_SECONDS)
    assert (await backup.get(f"{backup.door.producer}/executions/too-late")).status_code == 404
