"""What stands after `docker compose up`, and what it lets nobody do."""

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from callboard_testkit.compose import STAYING, Compose, Container, service_of
from callboard_testkit.suite import Addresses
from callboard_testkit.waiting import eventually

from local.environment import SECRETS, read_environment_file

PATIENCE_SECONDS = 90.0
CREDENTIALS = re.compile(
    r"ah_live_[A-Za-z0-9]+_[A-Za-z0-9]{8}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r"|(?:auth|refresh)_token=[A-Za-z0-9]"
    r"|[?&]token="
)


@pytest.fixture(scope="module")
def containers(compose: Compose) -> list[Container]:
    """The whole project's, migrations and demo too."""
    compose.follow("docs/deploy.md", "On one machine, to try it", 2)
    return compose.containers()


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_without_a_secret_nothing_starts_and_it_is_said_what_to_do(
    prepared: Compose, tmp_path: Path, missing: str
) -> None:
    given = "".join(f"{name}=x\n" for name in SECRETS if name != missing)
    (tmp_path / "env").write_text(given)
    refused = prepared.attempt(*prepared.command, "--env-file", str(tmp_path / "env"), "up", "-d")
    assert refused.returncode != 0
    assert "make env" in refused.stderr
    assert (
        prepared.attempt(
            "docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project.working_dir={tmp_path}"
        ).stdout
        == ""
    )


def test_everything_comes_up_from_nothing(containers: list[Container]) -> None:
    services = {service_of(container) for container in containers}
    assert services == {*STAYING, "databases", "auth-migrate", "social-migrate", "producer-migrate", "demo"}
    for container in containers:
        state = container["State"]
        is_once = service_of(container) in {"databases", "auth-migrate", "social-migrate", "producer-migrate"}
        assert (state["Status"], state["ExitCode"]) == ("exited" if is_once else "running", 0), service_of(container)


def test_the_gateway_alone_is_published_and_on_loopback_only(
    containers: list[Container], ports: tuple[int, int]
) -> None:
    published = {
        (service_of(container), inner, binding["HostIp"], binding["HostPort"])
        for container in containers
        for inner, bindings in container["NetworkSettings"]["Ports"].items()
        for binding in bindings or []
    }
    assert published == {("gateway", "8080/tcp", "127.0.0.1", str(ports[0]))}


def test_nobody_reaches_a_database_but_the_services(containers: list[Container]) -> None:
    networks: dict[str, set[str]] = {}
    for container in containers:
        for name in container["NetworkSettings"]["Networks"]:
            networks.setdefault(name.rpartition("_")[2], set()).add(service_of(container))
    assert networks == {
        "outer": {"gateway", "demo"},
        "inner": {"gateway", "auth", "social", "producer", "auth-migrate", "social-migrate", "producer-migrate"},
        "data": {
            "auth",
            "social",
            "producer",
            "auth-migrate",
            "social-migrate",
            "producer-migrate",
            "databases",
            "postgres",
            "redis",
        },
    }


def test_no_container_is_root_or_could_become_it_or_writes_to_its_image(
    compose: Compose, containers: list[Container]
) -> None:
    for container in containers:
        name, host = service_of(container), container["HostConfig"]
        assert container["Config"]["User"].split(":")[0] not in {"", "0", "root"}, name
        assert host["ReadonlyRootfs"], name
        assert host["CapDrop"] == ["ALL"], name
        assert not host["CapAdd"], name
        assert not host["Privileged"], name
        assert host["SecurityOpt"] == ["no-new-privileges:true"], name
        if container["State"]["Running"]:
            assert compose.execute(container, "id", "-u").strip() != "0", name


def test_what_stays_comes_back_by_itself_and_logs_are_bounded(containers: list[Container]) -> None:
    for container in containers:
        name, host = service_of(container), container["HostConfig"]
        assert host["LogConfig"]["Config"]["max-size"] == "10m", name
        is_staying = name in {*STAYING, "demo"}
        assert host["RestartPolicy"]["Name"] == ("unless-stopped" if is_staying else "no"), name
        assert container["Config"].get("StopTimeout", 0) > 10 or not is_staying, name


def test_journeys_pass_inside(journeys: Callable[[], str]) -> None:
    assert re.search(r"\b[1-9]\d* passed", journeys())


async def test_the_demo_is_seen_live(
    compose: Compose, containers: list[Container], http: httpx.AsyncClient, addresses: Addresses
) -> None:
    assert "demo" in {service_of(container) for container in containers}
    (demo,) = compose.containers("demo")
    account = compose.execute(demo, "cat", "demo.json")
    session = await http.post(
        f"{addresses.auth}/api/login", content=account, headers={"Content-Type": "application/json"}
    )
    bearer = {"Authorization": f"Bearer {session.raise_for_status().json()['token']}"}
    http.cookies.clear()

    async def has_passed() -> bool:
        executions = (await http.get(f"{addresses.producer}/executions", headers=bearer)).raise_for_status().json()
        return any(execution["status"] == "PASSED" for execution in executions)

    await eventually(has_passed, PATIENCE_SECONDS)


def test_the_settings_pass_their_own_check(compose: Compose, checkout: Path) -> None:
    report = compose.follow("docs/deploy.md", "Check the settings")
    assert "\n0 refusals, 0 warnings" in report
    assert "SOCIAL_TICKET_SECRET" in report
    values = read_environment_file(checkout / ".env")
    assert [name for name in SECRETS if values[name] in report] == []


def test_an_update_replaces_what_is_new(compose: Compose) -> None:
    compose.follow("docs/deploy.md", "Update")
    compose.wait_until_healthy()


def test_logs_are_read_as_the_page_says(compose: Compose) -> None:
    logs = compose.follow("docs/deploy.md", "Logs")
    assert '"event": "bus_connected"' in logs
    assert "gateway" in logs


def test_no_secret_is_in_a_log(compose: Compose, checkout: Path, journeys: Callable[[], str]) -> None:
    journeys()
    logs = compose.run("logs", "--no-color")
    assert len(logs) > 10_000, "the session logged next to nothing"
    values = read_environment_file(checkout / ".env")
    assert [name for name in SECRETS if values[name] in logs] == []
    assert {match[0][:12] for match in CREDENTIALS.finditer(logs)} == set()
