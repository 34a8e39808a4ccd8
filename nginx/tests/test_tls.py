"""TLS at the gateway: what is spoken, what the plain port still does, and which certificates are refused."""

import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from callboard_contracts.problems import Problem
from callboard_testkit.authority import Authority, write_encrypted_key
from callboard_testkit.waiting import free_port
from websockets.sync.client import connect

from nginx.tests.conftest import Environment, Gateway, rendered
from nginx.tests.upstream import Upstream

A_YEAR = "max-age=31536000"
PUBLIC = "https://board.example"
CURL = shutil.which("curl") or "curl"


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def tls(tmp_path: Path, authority: Authority) -> Environment:
    """The variables of a gateway with a certificate."""
    certificate, key = authority.issue(tmp_path)
    return {
        "CALLBOARD_PUBLIC_URL": PUBLIC,
        "CALLBOARD_TLS_CERTIFICATE": str(certificate),
        "CALLBOARD_TLS_KEY": str(key),
        "CALLBOARD_TLS_PORT": str(free_port()),
    }


@pytest.fixture
def secure(start_gateway: Callable[..., Gateway], tls: Environment, upstream_environment: Environment) -> Gateway:
    return start_gateway(**tls, **upstream_environment)


@pytest.fixture
def https(secure: Gateway, tls: Environment, authority: Authority) -> httpx.Client:
    url = f"https://127.0.0.1:{tls['CALLBOARD_TLS_PORT']}"
    return httpx.Client(base_url=url, verify=authority.client_context("http/1.1"), trust_env=False)


@pytest.mark.parametrize("path", ["/", "/producer/executions", "/absent", "/auth/.well-known/jwks.json"])
def test_every_answer_over_tls_asks_for_tls_for_a_year(https: httpx.Client, path: str) -> None:
    with https:
        answer = https.get(path)
    assert answer.headers.get_list("strict-transport-security") == [A_YEAR]


def test_a_service_that_is_away_is_a_problem_over_tls_too(
    start_gateway: Callable[..., Gateway], tls: Environment, authority: Authority
) -> None:
    start_gateway(**tls)
    url = f"https://127.0.0.1:{tls['CALLBOARD_TLS_PORT']}/executions"
    answer = httpx.get(url, verify=authority.client_context(), trust_env=False)
    assert answer.status_code == 502
    assert answer.headers["strict-transport-security"] == A_YEAR


def test_a_service_hears_the_public_scheme_and_the_asked_host(https: httpx.Client) -> None:
    with https:
        received = https.get("/producer/executions", headers={"Host": "board.example"}).json()["headers"]
    assert (received["x-forwarded-proto"], received["host"]) == ("https", "board.example")


def test_http2_is_spoken_and_carries_cookies_bodies_and_the_host(
    secure: Gateway, tls: Environment, authority: Authority, tmp_path: Path
) -> None:
    authority.write(tmp_path / "authority.pem")
    url = f"https://127.0.0.1:{tls['CALLBOARD_TLS_PORT']}/producer/executions/update?after=1"
    command = [CURL, "--silent", "--http2", "--cacert", str(tmp_path / "authority.pem"), "--data", "x" * 50_000, url]
    command += ["--cookie", "auth_token=a.b.c; other=1", "--header", "Host: board.example"]
    command += ["--write-out", "\n%{http_version} %{http_code}"]
    body, _, summary = subprocess.run(command, capture_output=True, text=True, check=True).stdout.rpartition("\n")
    received = json.loads(body)
    assert summary == "2 200"
    assert (received["path"], received["bytes"]) == ("/executions/update?after=1", 50_000)
    assert received["headers"]["cookie"] == "auth_token=a.b.c; other=1"
    assert received["headers"]["host"] == "board.example"


@pytest.mark.parametrize(("offered", "chosen"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1")])
def test_the_protocol_is_chosen_in_the_handshake(
    secure: Gateway, tls: Environment, authority: Authority, offered: tuple[str, ...], chosen: str
) -> None:
    with (
        socket.create_connection(("127.0.0.1", int(tls["CALLBOARD_TLS_PORT"])), timeout=10) as line,
        authority.client_context(*offered).wrap_socket(line, server_hostname="127.0.0.1") as secured,
    ):
        assert secured.selected_alpn_protocol() == chosen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_two_current_versions_of_tls_are_spoken(
    secure: Gateway, tls: Environment, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.client_context()
    context.minimum_version = context.maximum_version = version
    answer = httpx.get(f"https://127.0.0.1:{tls['CALLBOARD_TLS_PORT']}/executions", verify=context, trust_env=False)
    assert answer.status_code == 200


@pytest.mark.parametrize("offer", [["-tls1_1"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:AES256-GCM-SHA384"]])
def test_an_old_version_or_a_weak_cipher_is_refused(secure: Gateway, tls: Environment, offer: list[str]) -> None:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{tls['CALLBOARD_TLS_PORT']}", *offer]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert result.returncode != 0
    assert "Cipher is (NONE)" in result.stdout


def test_a_session_is_taken_up_again_without_a_ticket(secure: Gateway, tls: Environment, authority: Authority) -> None:
    context = authority.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the client is told of its session within the handshake
    address, session = ("127.0.0.1", int(tls["CALLBOARD_TLS_PORT"])), None
    for is_second in (False, True):
        with (
            socket.create_connection(address, timeout=10) as line,
            context.wrap_socket(line, server_hostname="127.0.0.1", session=session) as secured,
        ):
            session = secured.session
            assert session is not None
            assert (session.has_ticket, secured.session_reused) == (False, is_second)


def test_a_socket_opens_over_tls(secure: Gateway, tls: Environment, authority: Authority) -> None:
    url = f"wss://127.0.0.1:{tls['CALLBOARD_TLS_PORT']}/social/api/socials/ws"
    with connect(url, ssl=authority.client_context(), proxy=None) as opened:
        assert json.loads(opened.recv(timeout=10))["path"] == "/api/socials/ws"
        opened.send("still there")
        assert opened.recv(timeout=10) == "still there"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/", "/api/login?next=%2F&a=b", "/dashboard/main.js", "//evil.example/", "/.x"])
def test_the_plain_port_redirects_to_the_public_address_and_does_nothing_else(
    secure: Gateway, upstreams: dict[str, Upstream], method: str, path: str
) -> None:
    asked = [upstream.asked for upstream in upstreams.values()]
    request = f"{method} {path} HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    head = secure.raw(request.encode()).partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("HTTP/1.1 308 ")
    assert f"Location: {PUBLIC}{path}\r\n" in head
    assert "Strict-Transport-Security" not in head
    assert "X-Request-Id: " in head
    assert [upstream.asked for upstream in upstreams.values()] == asked


@pytest.mark.parametrize(("port", "headers"), [("plain", b""), ("tls", b""), ("tls", b"Host: board.example\r\n")])
def test_what_is_no_request_is_a_problem_at_both_ports(
    secure: Gateway, tls: Environment, port: str, headers: bytes
) -> None:
    number = secure.port if port == "plain" else int(tls["CALLBOARD_TLS_PORT"])
    with socket.create_connection(("127.0.0.1", number), timeout=10) as line:
        line.sendall(b"GET / HTTP/1.1\r\n" + headers + b"Connection: close\r\n\r\n")
        head, _, body = b"".join(iter(lambda: line.recv(65_536), b"")).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert Problem.model_validate_json(body).code == "bad-request"


@pytest.mark.parametrize("with_tls", [True, False])
def test_a_proof_for_an_authority_is_served_over_plain_http(
    start_gateway: Callable[..., Gateway], tls: Environment, tmp_path: Path, with_tls: bool
) -> None:
    """Without TLS too: that is how the first certificate is got."""
    proofs = tmp_path / "acme" / ".well-known" / "acme-challenge"
    proofs.mkdir(parents=True)
    (proofs / "Abc_1-2").write_text("Abc_1-2.proof", encoding="utf-8")
    (proofs / "not.a.proof").write_text("secret", encoding="utf-8")
    (proofs.parent / "beside").write_text("secret", encoding="utf-8")
    gateway = start_gateway(CALLBOARD_ACME_ROOT=str(tmp_path / "acme"), **(tls if with_tls else {}))
    with gateway.client() as client:
        proof = client.get("/.well-known/acme-challenge/Abc_1-2")
        others = ["acme-challenge/absent", "acme-challenge/not.a.proof", "acme-challenge/../beside", "beside"]
        refused = [client.get(f"/.well-known/{name}").status_code for name in others]
    assert (proof.status_code, proof.text, proof.headers["content-type"]) == (200, "Abc_1-2.proof", "text/plain")
    assert set(refused) <= {404, 308}
    assert refused[0] == 404


def test_the_rendered_configuration_passes_nginx_own_check_without_a_warning(secure: Gateway) -> None:
    assert "[warn]" not in secure.stop()


@pytest.mark.parametrize("missing", ["CALLBOARD_TLS_CERTIFICATE", "CALLBOARD_TLS_KEY"])
def test_a_certificate_without_its_key_is_refused(tmp_path: Path, tls: Environment, missing: str) -> None:
    del tls[missing]
    result = rendered(tmp_path, tls)
    assert (result.returncode, missing in result.stderr) == (1, True)


def test_a_certificate_under_a_plain_public_address_is_refused(tmp_path: Path, tls: Environment) -> None:
    result = rendered(tmp_path, tls | {"CALLBOARD_PUBLIC_URL": "http://board.example"})
    assert (result.returncode, "CALLBOARD_PUBLIC_URL" in result.stderr) == (1, True)


def test_one_port_for_both_is_refused(tmp_path: Path, tls: Environment) -> None:
    result = rendered(tmp_path, tls | {"CALLBOARD_PORT": tls["CALLBOARD_TLS_PORT"]})
    assert (result.returncode, "CALLBOARD_TLS_PORT" in result.stderr) == (1, True)


def _change_for_another(key: Path) -> None:
    (key.parent / "other").mkdir()
    Authority().issue(key.parent / "other")[1].replace(key)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (Path.unlink, "No such file"),
        (write_encrypted_key, "unencrypted"),
        (lambda key: key.write_text("no key"), "unencrypted"),
        (lambda key: key.write_bytes(b"\x00" * 100), "unencrypted"),
        (_change_for_another, "KEY_VALUES_MISMATCH"),
    ],
)
def test_a_key_that_is_of_no_use_is_refused_without_a_word_of_it(
    tmp_path: Path, tls: Environment, spoil: Callable[[Path], object], reason: str
) -> None:
    key = Path(tls["CALLBOARD_TLS_KEY"])
    spoil(key)
    result = rendered(tmp_path, tls)
    assert result.returncode == 1
    assert reason in result.stderr
    assert str(key) in result.stderr
    assert "PRIVATE" not in result.stderr
    assert "Traceback" not in result.stderr


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path, tls: Environment) -> None:
    result = rendered(tmp_path, tls | {"CALLBOARD_TLS_KEY": str(tmp_path)})
    assert (result.returncode, "Traceback" in result.stderr) == (1, False)
    assert f"CALLBOARD_TLS_KEY: {tmp_path} cannot be read: Is a directory" in result.stderr
