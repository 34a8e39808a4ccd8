"""What of a Cookie header another system gets to see."""

import pytest
from callboard_social.cookie_authority.foreign_cookie import ForeignCookie
from starlette.requests import HTTPConnection


def connection(*cookies: str) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [(b"cookie", cookie.encode("latin-1")) for cookie in cookies]})


@pytest.mark.parametrize(
    ("header", "passed_on"),
    [
        ("a=1", "a=1"),
        ("a=1;b=2; c=3", "a=1; b=2; c=3"),
        ("auth_token=t; a=1", "a=1"),
        ("a=1; refresh_token=t; b=2", "a=1; b=2"),
        ("__Host-auth_token=t; a=1; __Host-refresh_token=t", "a=1"),
        ("a=1;  auth_token =t", "a=1"),
        ("auth_token", None),
        ("auth_token=one; auth_token=two", None),
        ('a="x; y=2', 'a="x; y=2'),
        ("a=1=2; =3; nameless", "a=1=2; =3; nameless"),
        ("auth_token_of_mine=1", "auth_token_of_mine=1"),
        ("é=ÿ", "é=ÿ"),
        ("", None),
        (" ; ;", None),
    ],
)
def test_our_own_cookies_are_kept_back_and_all_others_are_passed_on(header: str, passed_on: str | None) -> None:
    cookie = ForeignCookie.of(connection(header))
    assert (cookie and cookie.reveal().decode("latin-1")) == passed_on


def test_several_headers_are_one() -> None:
    cookie = ForeignCookie.of(connection("a=1; auth_token=t", "b=2"))
    assert cookie is not None
    assert cookie.reveal() == b"a=1; b=2"


def test_without_a_header_there_is_none() -> None:
    assert ForeignCookie.of(connection()) is None


def test_nothing_that_shows_values_shows_this_one() -> None:
    cookie = ForeignCookie("session=a-secret")
    for shown in (repr(cookie), str(cookie), f"{cookie}", repr([cookie]), repr(ValueError(cookie))):
        assert "a-secret" not in shown
    with pytest.raises(TypeError):
        vars(cookie)
