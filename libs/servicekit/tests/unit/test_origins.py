"""Whose calls may carry a person's credentials: the origin matrix, and what a call must show."""

import pytest
from callboard_servicekit.authentication import CookieNames, bearer_token, require_allowed_origin
from callboard_servicekit.errors import OriginRefused
from callboard_servicekit.origins import Origins
from callboard_servicekit.settings import ServiceSettings
from starlette.requests import Request

LOCAL = Origins.of(ServiceSettings(public_url="http://localhost:8080", cors_origins=("http://localhost:3000",)))
PUBLIC = Origins.of(ServiceSettings(public_url="https://callboard.example/status", cors_origins=("https://a.example",)))


def call(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "headers": raw})


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:8080", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:3000"],
)
def test_a_loopback_suite_is_one_origin_under_all_its_names(origin: str) -> None:
    assert LOCAL.allows(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "*",
        "http://localhost",
        "http://localhost:80",
        "http://localhost:8081",
        "https://localhost:8080",
        "http://127.0.0.1:3000",
        "http://127.0.0.2:8080",
        "http://localhost.:8080",
        "http://localhost:8080.evil.example",
        "http://localhost.evil.example:8080",
        "http://localhost:8080/",
        "http://localhost:8080 ",
        "HTTP://LOCALHOST:8080",
        "http://evil.example#http://localhost:8080",
        "http://user@localhost:8080",
    ],
)
def test_a_look_alike_of_a_loopback_origin_is_foreign(origin: str) -> None:
    assert not LOCAL.allows(origin)


@pytest.mark.parametrize(
    ("origin", "is_allowed"),
    [
        ("https://callboard.example", True),
        ("https://a.example", True),
        ("http://callboard.example", False),
        ("https://callboard.example:8443", False),
        ("https://callboard.example:443", False),
        ("https://evilcallboard.example", False),
        ("https://callboard.example.evil.example", False),
        ("https://sub.callboard.example", False),
        ("https://localhost", False),
        ("null", False),
    ],
)
def test_a_public_suite_allows_itself_and_its_list(origin: str, is_allowed: bool) -> None:
    assert PUBLIC.allows(origin) == is_allowed


def test_loopback_on_the_default_port_has_no_port_in_its_names() -> None:
    assert Origins.of(ServiceSettings(public_url="http://127.0.0.1:80")).allowed == {
        "http://127.0.0.1",
        "http://localhost",
        "http://[::1]",
    }


@pytest.mark.parametrize(
    ("headers", "needs_proof", "passes"),
    [
        ({"origin": "http://localhost:8080"}, True, True),
        ({"origin": "http://localhost:8080", "sec_fetch_site": "cross-site"}, True, True),
        ({"origin": "http://evil.example"}, False, False),
        ({"origin": "http://evil.example", "sec_fetch_site": "same-origin"}, False, False),
        ({"origin": "null"}, False, False),
        ({"origin": ""}, False, False),
        ({"sec_fetch_site": "same-origin"}, True, True),
        ({"sec_fetch_site": "same-site"}, False, False),
        ({"sec_fetch_site": "cross-site"}, False, False),
        ({"sec_fetch_site": "none"}, False, False),
        ({}, False, True),
        ({}, True, False),
    ],
)
def test_a_call_that_another_site_may_have_caused_is_refused(
    headers: dict[str, str], needs_proof: bool, passes: bool
) -> None:
    if passes:
        require_allowed_origin(call(**headers), LOCAL, needs_proof=needs_proof)
    else:
        with pytest.raises(OriginRefused):
            require_allowed_origin(call(**headers), LOCAL, needs_proof=needs_proof)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
    ],
)
def test_only_a_bearer_token_is_a_bearer_token(header: str, token: str | None) -> None:
    assert bearer_token(call(authorization=header)) == token
    assert bearer_token(call()) is None


@pytest.mark.parametrize("url", ["https://callboard.example", "HTTPS://callboard.example"])
def test_with_https_only_the_host_names_of_cookies_count(url: str) -> None:
    names = CookieNames.of(ServiceSettings(public_url=url))
    assert (names.primary, names.refresh, names.is_secure) == ("__Host-auth_token", "__Host-refresh_token", True)


def test_without_https_cookies_have_their_plain_names() -> None:
    names = CookieNames.of(ServiceSettings(public_url="http://localhost:8080"))
    assert (names.primary, names.refresh, names.is_secure) == ("auth_token", "refresh_token", False)
