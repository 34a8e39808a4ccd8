"""Names become addresses, and stay what they were while nobody can say."""

import json
import threading
from typing import Any

import pytest
from callboard_testkit.waiting import eventually

from nginx.gateway import ReloadBudget
from nginx.peers import NOBODY, PeerWatch, resolve

AUTH, SOCIAL, PRODUCER = "CALLBOARD_AUTH_PEERS", "CALLBOARD_SOCIAL_PEERS", "CALLBOARD_PRODUCER_PEERS"


class Names:
    """A name server: what it does not know has no address."""

    def __init__(self, **known: list[str]) -> None:
        self.known = known

    def resolve(self, host: str) -> list[str]:
        if host not in self.known:
            raise OSError(-2, "Name or service not known")
        return self.known[host]


def watch(names: Names, **peers: str) -> PeerWatch:
    environment = {AUTH: "auth:8101", SOCIAL: "social:8102", PRODUCER: "producer:8103"}
    return PeerWatch(environment | peers, 1.0, names.resolve)


def look(found: PeerWatch) -> None:
    """At every name once."""
    for name in found.names.values():
        name.look_up()


def told(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_address_of_a_name_is_a_peer_once_and_in_order() -> None:
    found = watch(Names(social=["fd00::2", "172.18.0.10", "172.18.0.9", "172.18.0.10"]))
    look(found)
    assert found.known()[SOCIAL] == "172.18.0.9:8102 172.18.0.10:8102 [fd00::2]:8102"


def test_a_list_of_names_and_addresses_is_put_together() -> None:
    found = watch(
        Names(one=["10.0.0.1"], two=["10.0.0.2", "10.0.0.1"], **{"::1": ["::1"]}), **{AUTH: "one:1, two:1 [::1]:2"}
    )
    look(found)
    assert found.known()[AUTH] == "10.0.0.1:1 10.0.0.2:1 [::1]:2"


def test_a_service_that_was_never_seen_has_a_peer_that_refuses() -> None:
    found = watch(Names(auth=["10.0.0.1"]))
    assert set(found.known().values()) == {NOBODY}
    look(found)
    assert found.known() == {AUTH: "10.0.0.1:8101", SOCIAL: NOBODY, PRODUCER: NOBODY}


def test_a_name_that_is_gone_keeps_its_last_addresses_and_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    names = Names(auth=["10.0.0.1"], social=["10.0.0.2"], producer=["10.0.0.3"])
    found = watch(names)
    look(found)
    del names.known["social"]
    for _ in range(3):
        look(found)
    assert found.known()[SOCIAL] == "10.0.0.2:8102"
    (line,) = told(capsys)
    assert (line["event"], line["peer"], line["kept"]) == ("peer_not_resolved", "social:8102", ["10.0.0.2:8102"])


def test_a_name_that_comes_back_elsewhere_is_followed_and_may_be_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    names = Names(auth=["10.0.0.1"], social=["10.0.0.2"], producer=["10.0.0.3"])
    found = watch(names)
    for addresses in (["10.0.0.2"], None, ["10.0.0.4"], None):
        if addresses is None:
            del names.known["social"]
        else:
            names.known["social"] = addresses
        look(found)
    assert found.known()[SOCIAL] == "10.0.0.4:8102"
    assert [line["kept"] for line in told(capsys)] == [["10.0.0.2:8102"], ["10.0.0.4:8102"]]


def test_the_systems_resolver_knows_this_machine_and_literal_addresses() -> None:
    assert "127.0.0.1" in resolve("localhost")
    assert resolve("192.0.2.1") == ["192.0.2.1"]
    assert resolve("2001:db8::1") == ["2001:db8::1"]


async def test_a_name_that_takes_for_ever_holds_up_no_other() -> None:
    names, over = Names(auth=["10.0.0.1"]), threading.Event()

    def resolve_or_hang(host: str) -> list[str]:
        return names.resolve(host) if host == "auth" or over.wait() else []

    found = PeerWatch({AUTH: "auth:8101", SOCIAL: "social:8102"}, 3600.0, resolve_or_hang)
    found.start(0.01)
    await eventually(lambda: found.known()[AUTH] == "10.0.0.1:8101")
    assert found.known()[SOCIAL] == NOBODY
    assert found.is_alive()
    over.set()


@pytest.mark.parametrize("host", ["x" * 64, "a..b", ""])
def test_a_name_that_cannot_be_asked_for_is_one_that_is_not_there(host: str) -> None:
    found = PeerWatch({AUTH: f"{host}:1"}, 1.0)
    look(found)
    assert found.known()[AUTH] == NOBODY


def test_reloads_are_six_at_once_and_then_one_a_minute() -> None:
    now = 0.0
    budget = ReloadBudget(lambda: now)
    assert [budget.take() for _ in range(8)] == [True] * 6 + [False] * 2
    now = 59.0
    assert not budget.take()
    now = 61.0
    assert [budget.take(), budget.take()] == [True, False]
    now = 86_400.0
    assert [budget.take() for _ in range(8)] == [True] * 6 + [False] * 2
