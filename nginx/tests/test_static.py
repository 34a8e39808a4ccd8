"""The dashboard and the browser client: which files are served, to whom, and how."""

import gzip

import httpx
import pytest

from nginx.tests.conftest import WEB_FILES, Gateway

SERVED = [
    ("/", "text/html; charset=utf-8", "index.html"),
    ("/callboard.js", "text/javascript; charset=utf-8", "callboard.js"),
    ("/callboard-session.js", "text/javascript; charset=utf-8", "callboard-session.js"),
    ("/dashboard/main.js", "text/javascript; charset=utf-8", "dashboard/main.js"),
    ("/dashboard/log/log.css", "text/css; charset=utf-8", "dashboard/log/log.css"),
    ("/dashboard/mark.svg", "image/svg+xml", "dashboard/mark.svg"),
]
NOT_SERVED = [
    "/index.html",
    "/package.json",
    "/tests/client.test.js",
    "/node_modules/typescript/index.js",
    "/.secret",
    "/dashboard",
    "/dashboard/",
    "/dashboard/log",
    "/dashboard/log/",
    "/dashboard/.secret",
    "/dashboard/absent.js",
    "/dashboard/..%2fpackage.json",
    "/dashboard/%2e%2e/%2e%2e/nginx.conf",
    "/callboard.js/",
    "/xcallboard.js",
    "/tests/../package.json",
]
LARGE = ["/callboard.js", "/dashboard/main.js", "/dashboard/log/log.css"]


@pytest.mark.parametrize(("path", "content_type", "file"), SERVED)
def test_the_files_of_the_dashboard_are_served_with_their_types(
    gateway: Gateway, path: str, content_type: str, file: str
) -> None:
    with gateway.client() as client:
        answer = client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (200, content_type)
    assert answer.text == WEB_FILES[file]


@pytest.mark.parametrize("path", NOT_SERVED)
def test_nothing_else_of_its_folder_is(gateway: Gateway, path: str) -> None:
    answer = gateway.raw(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 404 ", b"HTTP/1.1 400 "))
    assert b"application/problem+json" in head
    assert b'"code":' in body


@pytest.mark.parametrize("path", ["/callboard.js", "/callboard-session.js"])
def test_pages_of_every_origin_may_import_the_browser_client(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(path, headers={"Origin": "https://stranger.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/dashboard/main.js", "/producer/executions", "/absent"])
def test_no_other_answer_is_open_to_every_origin(gateway: Gateway, path: str) -> None:
    with gateway.client() as client:
        answer = client.get(path, headers={"Origin": "https://stranger.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert "cross-origin-resource-policy" not in answer.headers


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("path", ["/", "/callboard.js", "/dashboard/main.js"])
def test_a_file_that_has_not_changed_is_304_and_asked_for_each_time(gateway: Gateway, path: str, encoding: str) -> None:
    with gateway.client(headers={"Accept-Encoding": encoding}) as client:
        first = client.get(path)
        assert first.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
        changed = client.get(path, headers={"If-None-Match": '"another"'})
    assert (again.status_code, again.content) == (304, b"")
    assert changed.status_code == 200


@pytest.mark.parametrize("path", LARGE)
def test_text_is_compressed_for_who_takes_that(gateway: Gateway, path: str) -> None:
    with gateway.client() as client, client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(raw).decode() == WEB_FILES[path.removeprefix("/")]


def test_an_answer_of_a_service_is_never_compressed(gateway: Gateway) -> None:
    headers = {"Accept-Encoding": "gzip", "X-Padding": "x" * 4_000}
    with gateway.client(headers=headers) as client:
        answers: list[httpx.Response] = [client.get("/producer/executions"), client.get("/absent")]
    assert len(answers[0].content) > 4_000
    assert not [answer for answer in answers if "content-encoding" in answer.headers]
