"""Clauses EXEC-*: what workers report, and what becomes of it."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from callboard_testkit.suite import Account


def row_url(account: Account, task_id: str) -> str:
    return f"{account.door.producer}/executions/{task_id}"


async def version(account: Account, task_id: str) -> int:
    answer = await account.get(row_url(account, task_id))
    return int(answer.json()["version"])


@pytest.mark.clause("EXEC-1")
async def test_the_call_of_the_seed_works_as_it_is_written(account: Account) -> None:
    answer = await account.update(
        "task-123", "RUNNING", startTime="2026-01-29T10:00:00Z", testName="checkout", tags=["a", 1, None]
    )
    assert answer.status_code == httpx.codes.OK
    body = answer.json()
    assert body == {"status": "broadcasted", "position": body["position"]}
    row = (await account.get(row_url(account, "task-123"))).json()
    assert row["testName"] == "checkout"
    assert row["tags"] == ["a", 1, None]


@pytest.mark.clause("EXEC-2")
async def test_another_organisations_id_is_refused(account: Account, stranger: Account) -> None:
    body = {"taskId": "task-1", "organizationId": stranger.organization["id"], "status": "RUNNING"}
    answer = await account.post(account.door.updates, json=body)
    assert answer.status_code == httpx.codes.FORBIDDEN
    assert answer.json()["code"] == "foreign-organization"
    assert (await stranger.get(row_url(stranger, "task-1"))).status_code == httpx.codes.NOT_FOUND


@pytest.mark.clause("EXEC-2")
async def test_nobody_posts_without_a_credential(account: Account) -> None:
    body = {"taskId": "task-1", "organizationId": account.organization["id"], "status": "RUNNING"}
    answer = await account.http.post(account.door.updates, json=body)
    assert answer.status_code == httpx.codes.UNAUTHORIZED


@pytest.mark.clause("EXEC-3")
@pytest.mark.clause("EXEC-6")
async def test_states_move_forward_and_a_move_back_changes_nothing(account: Account) -> None:
    await account.update("task-1", "RUNNING", note="a")
    back = await account.update("task-1", "PENDING", note="b")
    assert back.status_code == httpx.codes.OK
    row = (await account.get(row_url(account, "task-1"))).json()
    assert (row["status"], row["note"], row["version"]) == ("RUNNING", "a", 1)
    await account.update("task-1", "RUNNING", more="c")
    row = (await account.get(row_url(account, "task-1"))).json()
    assert (row["note"], row["more"], row["version"]) == ("a", "c", 2)
    await account.update("task-1", "RUNNING", more="c")
    assert await version(account, "task-1") == 2


@pytest.mark.clause("EXEC-4")
@pytest.mark.clause("EXEC-6")
@pytest.mark.parametrize("final", ["PASSED", "FAILED", "ERROR", "CANCELLED"])
async def test_a_finished_attempt_never_changes(account: Account, final: str) -> None:
    end = "2026-01-29T10:05:00Z"
    assert (await account.update("task-1", final, endTime=end)).status_code == httpx.codes.OK
    assert (await account.update("task-1", final, endTime=end)).status_code == httpx.codes.OK
    assert await version(account, "task-1") == 1
    other = "FAILED" if final == "PASSED" else "PASSED"
    for status, fields in ((other, {}), (final, {"note": "late"}), ("RUNNING", {})):
        answer = await account.update("task-1", status, **fields)
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.CONFLICT, "attempt-over")
    assert await version(account, "task-1") == 1


@pytest.mark.clause("EXEC-5")
async def test_a_finished_execution_runs_again_as_the_next_attempt(account: Account) -> None:
    await account.update("task-1", "FAILED")
    await account.update("task-1", "RUNNING", attempt=2)
    row = (await account.get(row_url(account, "task-1"))).json()
    assert (row["attempt"], row["status"], row["endTime"]) == (2, "RUNNING", None)
    await account.update("task-1", "FAILED")
    later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    await account.update("task-1", "RUNNING", startTime=later)
    row = (await account.get(row_url(account, "task-1"))).json()
    assert (row["attempt"], row["status"]) == (3, "RUNNING")
    answer = await account.update("task-1", "PASSED", attempt=2)
    assert (answer.status_code, answer.json()["code"]) == (httpx.codes.CONFLICT, "attempt-over")


@pytest.mark.clause("EXEC-7")
async def test_every_version_is_heard_once_and_in_order(account: Account) -> None:
    async with account.socket() as client:
        for number in range(1, 11):
            for _ in range(2):  # every post is repeated
                await account.update("task-1", "RUNNING", number=number)
        await account.update("task-1", "PASSED")
        events = [await client.receive() for _ in range(11)]
        assert await client.hears_nothing()
    assert [event["data"]["version"] for event in events] == list(range(1, 12))


@pytest.mark.clause("EXEC-9")
async def test_an_execution_is_created_once(account: Account) -> None:
    url = f"{account.door.producer}/executions"
    created = await account.post(url, json={"name": "nightly"})
    assert created.status_code == httpx.codes.CREATED
    row = created.json()
    assert (row["status"], row["attempt"], row["version"], row["name"]) == ("PENDING", 1, 1, "nightly")
    again = await account.post(url, json={"taskId": row["taskId"], "name": "another"})
    assert (again.status_code, again.json()["code"]) == (httpx.codes.CONFLICT, "execution-exists")


@pytest.mark.clause("EXEC-10")
async def test_the_list_is_newest_first_filtered_and_paged(account: Account, stranger: Account) -> None:
    await stranger.update("theirs", "RUNNING")
    for number in range(5):
        await account.update(f"task-{number}", "RUNNING" if number % 2 else "PASSED")
    url = f"{account.door.producer}/executions"
    answer = await account.get(url)
    assert [row["taskId"] for row in answer.json()] == [f"task-{number}" for number in (4, 3, 2, 1, 0)]
    async with account.socket() as client:
        assert client.positions["org"] == answer.headers["X-Position"]
    running = await account.get(url, params={"status": "RUNNING"})
    assert [row["taskId"] for row in running.json()] == ["task-3", "task-1"]
    seen: list[str] = []
    page = await account.get(url, params={"limit": 2})
    while True:
        seen += [row["taskId"] for row in page.json()]
        following = page.links.get("next")
        if following is None:
            break
        page = await account.get(str(httpx.URL(url).join(following["url"])))
    assert seen == [f"task-{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.clause("EXEC-10")
async def test_an_unknown_and_a_foreign_execution_are_the_same_404(account: Account, stranger: Account) -> None:
    await stranger.update("theirs", "RUNNING")
    for task_id in ("theirs", "nobodys"):
        answer = await account.get(row_url(account, task_id))
        assert (answer.status_code, answer.json()["code"]) == (httpx.codes.NOT_FOUND, "execution-not-found")


@pytest.mark.clause("EXEC-11")
async def test_kept_fields_have_a_bound(account: Account) -> None:
    assert (await account.update("task-1", "RUNNING", note="x" * 16_000)).status_code == httpx.codes.OK
    answer = await account.update("task-1", "RUNNING", more="x" * 1_000)
    assert answer.is_client_error
    assert answer.json()["code"] == "kept-fields-too-large"
    assert await version(account, "task-1") == 1


@pytest.mark.clause("EXEC-12")
async def test_lost_cannot_be_posted(account: Account) -> None:
    answer = await account.update("task-1", "LOST")
    assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
