"""The renderer takes usable values and names the others; what it writes is accepted by NGINX."""

import subprocess
from pathlib import Path

import pytest

from nginx.tests.conftest import NGINX, Environment, rendered


def test_the_rendered_configuration_passes_nginx_own_check(tmp_path: Path) -> None:
    assert rendered(tmp_path, {"CALLBOARD_PORT": "18080"}).returncode == 0
    command = [NGINX, "-t", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")]
    check = subprocess.run(command, capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stderr
    assert "[warn]" not in check.stderr


def test_nothing_is_left_to_replace(tmp_path: Path) -> None:
    rendered(tmp_path, {})
    text = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    settings = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not [line for line in settings if "${" in line]
    assert "$request_id" in text


def test_a_path_with_a_space_is_usable(tmp_path: Path) -> None:
    directory = tmp_path / "with space"
    directory.mkdir()
    assert rendered(directory, {"CALLBOARD_PORT": "18080"}).returncode == 0
    command = [NGINX, "-t", "-e", "stderr", "-c", str(directory / "nginx.conf")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_an_https_address_allows_its_own_origin_and_no_loopback_name(tmp_path: Path) -> None:
    rendered(tmp_path, {"CALLBOARD_PUBLIC_URL": "https://Board.Example/", "CORS_ORIGINS": "https://a.example:8443, "})
    text = (tmp_path / "nginx.conf").read_text(encoding="utf-8")
    assert '"https://board.example" $http_origin;' in text
    assert '"https://a.example:8443" $http_origin;' in text
    assert "proxy_set_header X-Forwarded-Proto https;" in text
    assert "localhost" not in text


@pytest.mark.parametrize(
    "environment",
    [
        {"CALLBOARD_PORT": "http"},
        {"CALLBOARD_PORT": "70000"},
        {"CALLBOARD_BIND": "0.0.0.0; include /etc/passwd"},
        {"CALLBOARD_PUBLIC_URL": "ftp://a.example"},
        {"CALLBOARD_PUBLIC_URL": 'http://a"; }'},
        {"CORS_ORIGINS": "*"},
        {"CORS_ORIGINS": "http://a.example:port"},
        {"CALLBOARD_AUTH_PEERS": "127.0.0.1"},
        {"CALLBOARD_SOCIAL_PEERS": "127.0.0.1:1;"},
        {"CALLBOARD_PRODUCER_PEERS": " "},
        {"CALLBOARD_WEB_ROOT": "web"},
        {"CALLBOARD_GATEWAY_RUN_DIR": '/tmp/"'},
        {"CALLBOARD_SIGN_IN_RATE": "many"},
        {"CALLBOARD_SIGN_IN_BURST": "-1"},
        {"CALLBOARD_TRUSTED_PROXIES": "proxy.example"},
        {"CALLBOARD_TRUSTED_PROXIES": "10.0.0.1/8"},
        {"CALLBOARD_TRUSTED_PROXIES": "10.0.0.0/8, 0.0.0.0/0"},
        {"CALLBOARD_TRUSTED_PROXIES": "::/0"},
        {"CALLBOARD_ACME_ROOT": "acme"},
        {"CALLBOARD_TLS_CERTIFICATE": "/certificate.pem"},
        {"CALLBOARD_TLS_KEY": "/key.pem"},
    ],
)
def test_an_unusable_value_is_named_and_nothing_is_written(tmp_path: Path, environment: Environment) -> None:
    result = rendered(tmp_path, environment)
    assert result.returncode == 1
    assert next(iter(environment)) in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "nginx.conf").exists()
