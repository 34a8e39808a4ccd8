#!/usr/bin/env python3
"""Renders `nginx.conf.template` and `parts/` from the environment. One file, standard library only: it runs alone too.

``python nginx/render.py OUTPUT`` reads, beside what the services are told (CALLBOARD_PUBLIC_URL, CORS_ORIGINS):

- CALLBOARD_BIND, CALLBOARD_PORT: where the gateway listens (127.0.0.1, 8080)
- CALLBOARD_AUTH_PEERS, CALLBOARD_SOCIAL_PEERS, CALLBOARD_PRODUCER_PEERS: ``host:port``, separated by spaces or commas
- CALLBOARD_GATEWAY_RUN_DIR: an absolute directory for all that NGINX writes but its logs
- CALLBOARD_WEB_ROOT: the absolute directory of the static files
- CALLBOARD_SIGN_IN_RATE, CALLBOARD_SIGN_IN_BURST: logins and sign-ups from one address (30r/m after 30 at once)
- CALLBOARD_TLS_CERTIFICATE, CALLBOARD_TLS_KEY: PEM files, the certificate with its chain; both or neither
- CALLBOARD_TLS_PORT: where TLS is spoken then (8443); CALLBOARD_PORT only redirects
- CALLBOARD_ACME_ROOT: the directory where certbot's webroot method puts `.well-known/acme-challenge/`
- CALLBOARD_TRUSTED_PROXIES: addresses or networks of proxies before this one whose X-Forwarded-For is believed
"""

import os
import re
import resource
import ssl
import sys
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

TEMPLATE = Path(__file__).with_name("nginx.conf.template")
PARTS = Path(__file__).with_name("parts")
MAX_OPEN_FILES = 20_000
"""Each socket takes two: one to the browser, one to social."""

MAX_PORT = 65_535
CERTIFICATE = ("CALLBOARD_TLS_CERTIFICATE", "CALLBOARD_TLS_KEY")
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_PLACEHOLDER = re.compile(r"\$\{(CALLBOARD_[A-Z_]+)\}")
_HOST = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")
_PEER = re.compile(rf"(?:{_HOST.pattern}):[0-9]{{1,5}}", re.IGNORECASE)
_RATE = re.compile(r"[1-9][0-9]*r/[sm]")


class UnusableValue(Exception):
    """A variable is missing, or has a value that cannot stand in a configuration; the message names it."""


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise UnusableValue(f"{name} is not set")
    return value


def _absolute(environment: Mapping[str, str], name: str) -> str:
    path = _required(environment, name)
    # Inside quotes these three still have a meaning for NGINX.
    if not path.startswith("/") or any(character in path for character in '"$\\') or not path.isprintable():
        raise UnusableValue(f'{name}: an absolute path without ", $ and \\ is needed')
    return path


def _port(environment: Mapping[str, str], name: str = "CALLBOARD_PORT", default: str = "8080") -> str:
    port = environment.get(name) or default
    if not port.isdecimal() or not 0 < int(port) <= MAX_PORT:
        raise UnusableValue(f"{name} is a number from 1 to 65535")
    return port


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _bind(environment: Mapping[str, str]) -> str:
    host = _bracketed(environment.get("CALLBOARD_BIND") or "127.0.0.1")
    if not _HOST.fullmatch(host):
        raise UnusableValue("CALLBOARD_BIND is an address of this machine")
    return host


def _peers(environment: Mapping[str, str], name: str) -> str:
    """Without ``max_fails=0`` a Redis outage, which makes every replica answer 503, would count all of them out."""
    peers = _required(environment, name).replace(",", " ").split()
    if not peers or not all(_PEER.fullmatch(peer) for peer in peers):
        raise UnusableValue(f"{name} is a list of host:port")
    return "\n".join(f"        server {peer} max_fails=0;" for peer in peers)


def _origin(url: str, name: str) -> str:
    """``scheme://host[:port]`` as a browser writes it; raises UnusableValue."""
    try:
        parts = urlsplit(url.strip())
        host, port = _bracketed(parts.hostname or ""), parts.port
    except ValueError:
        raise UnusableValue(f"{name}: an http or https URL is needed") from None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise UnusableValue(f"{name}: an http or https URL is needed")
    default = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, default} else "")


def _public_origin(environment: Mapping[str, str]) -> str:
    url = environment.get("CALLBOARD_PUBLIC_URL") or f"http://localhost:{_port(environment)}"
    return _origin(url, "CALLBOARD_PUBLIC_URL")


def _allowed_origins(environment: Mapping[str, str]) -> str:
    """The rule of the services: our own, CORS_ORIGINS, and for a loopback address its other names."""
    own = _public_origin(environment)
    scheme, host = own.split("://")
    name = re.sub(r":[0-9]+$", "", host)
    names = {own}
    if name in LOOPBACK_HOSTS:
        names |= {f"{scheme}://{other}{host.removeprefix(name)}" for other in LOOPBACK_HOSTS}
    listed = [entry for entry in environment.get("CORS_ORIGINS", "").split(",") if entry.strip()]
    names |= {_origin(entry, "CORS_ORIGINS") for entry in listed}
    return "\n".join(f'        "{origin}" $http_origin;' for origin in sorted(names))


def _user() -> str:
    """Only for a master that is root, which is when NGINX would give its workers to nobody.

    A checkout in root's home is closed to nobody: it could neither read web/ nor write temporary files. Like the other
    programs of a suite that root starts, the workers stay root then; start it as a normal user to have none of that.
    """
    return "user root;" if os.geteuid() == 0 else ""


def _open_files() -> str:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return str(MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES))


def _matching(environment: Mapping[str, str], name: str, default: str, form: re.Pattern[str]) -> str:
    value = environment.get(name) or default
    if not form.fullmatch(value):
        raise UnusableValue(f"{name} has the form {default}")
    return value


def _trusted_proxies(environment: Mapping[str, str]) -> str:
    """Counted from the right, the first address that is not one of these is the client's."""
    try:
        networks = [
            ip_network(listed) for listed in environment.get("CALLBOARD_TRUSTED_PROXIES", "").replace(",", " ").split()
        ]
    except ValueError:
        raise UnusableValue("CALLBOARD_TRUSTED_PROXIES is a list of addresses or networks, as 10.0.0.0/8") from None
    if any(network.prefixlen == 0 for network in networks):
        raise UnusableValue("CALLBOARD_TRUSTED_PROXIES: trusting every address lets each client choose its own")
    if not networks:
        return ""
    lines = [f"set_real_ip_from {network};" for network in networks]
    lines += ["real_ip_header X-Forwarded-For;", "real_ip_recursive on;"]
    return "".join(f"    {line}\n" for line in lines)


def has_certificate(environment: Mapping[str, str]) -> bool:
    """Whether TLS is spoken; raises UnusableValue when only one of certificate and key is named."""
    named = [bool(environment.get(name)) for name in CERTIFICATE]
    if any(named) and not all(named):
        raise UnusableValue(" and ".join(CERTIFICATE) + " go together: both are set, or neither")
    return all(named)


def _proven_certificate(environment: Mapping[str, str]) -> tuple[str, str]:
    """The paths of the certificate and its key; raises UnusableValue unless this process can use them."""
    certificate, key = paths = [_absolute(environment, name) for name in CERTIFICATE]
    for name, path in zip(CERTIFICATE, paths, strict=True):
        try:
            Path(path).open("rb").close()
        except OSError as error:
            raise UnusableValue(f"{name}: {path} cannot be read: {error.strerror}") from None
    try:
        # Without a password of ours OpenSSL would ask the terminal for that of an encrypted key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or "unknown format"
        detail = f"{certificate} and {key} are not a certificate and its unencrypted key ({reason})"
        raise UnusableValue(f"{CERTIFICATE[0]}: {detail}") from None
    return certificate, key


def _tls_values(environment: Mapping[str, str], host: str) -> dict[str, str]:
    origin, port, tls_port = (
        _public_origin(environment),
        _port(environment),
        _port(environment, "CALLBOARD_TLS_PORT", "8443"),
    )
    if not origin.startswith("https:"):
        raise UnusableValue("CALLBOARD_PUBLIC_URL begins with https when there is a certificate: cookies depend on it")
    if port == tls_port:
        raise UnusableValue("CALLBOARD_TLS_PORT and CALLBOARD_PORT are two ports")
    certificate, key = _proven_certificate(environment)
    return {
        "CALLBOARD_GATEWAY_LISTEN": f"{host}:{tls_port} ssl http2",
        "CALLBOARD_PLAIN_LISTEN": f"{host}:{port}",
        "CALLBOARD_TLS_CERTIFICATE": certificate,
        "CALLBOARD_TLS_KEY": key,
        "CALLBOARD_PUBLIC_ORIGIN": origin,
    }


def values(environment: Mapping[str, str]) -> dict[str, str]:
    """What stands in for each placeholder but the parts; raises UnusableValue."""
    host, acme = _bind(environment), bool(environment.get("CALLBOARD_ACME_ROOT"))
    tls = _tls_values(environment, host) if has_certificate(environment) else {}
    return {
        "CALLBOARD_GATEWAY_USER": _user(),
        "CALLBOARD_GATEWAY_OPEN_FILES": _open_files(),
        "CALLBOARD_GATEWAY_RUN_DIR": _absolute(environment, "CALLBOARD_GATEWAY_RUN_DIR"),
        "CALLBOARD_GATEWAY_LISTEN": f"{host}:{_port(environment)}",
        "CALLBOARD_WEB_ROOT": _absolute(environment, "CALLBOARD_WEB_ROOT"),
        "CALLBOARD_ALLOWED_ORIGINS": _allowed_origins(environment),
        "CALLBOARD_PUBLIC_SCHEME": _public_origin(environment).split(":", 1)[0],
        "CALLBOARD_SIGN_IN_RATE": _matching(environment, "CALLBOARD_SIGN_IN_RATE", "30r/m", _RATE),
        "CALLBOARD_SIGN_IN_BURST": _matching(environment, "CALLBOARD_SIGN_IN_BURST", "30", re.compile("[0-9]{1,6}")),
        "CALLBOARD_AUTH_PEERS": _peers(environment, "CALLBOARD_AUTH_PEERS"),
        "CALLBOARD_SOCIAL_PEERS": _peers(environment, "CALLBOARD_SOCIAL_PEERS"),
        "CALLBOARD_PRODUCER_PEERS": _peers(environment, "CALLBOARD_PRODUCER_PEERS"),
        "CALLBOARD_TRUSTED_PROXIES": _trusted_proxies(environment),
        **({"CALLBOARD_ACME_ROOT": _absolute(environment, "CALLBOARD_ACME_ROOT")} if acme else {}),
        **tls,
    }


def render(environment: Mapping[str, str]) -> str:
    """The configuration; raises UnusableValue. NGINX's own variables stay as they are."""
    found = values(environment)

    def filled(file: Path) -> str:
        return _PLACEHOLDER.sub(lambda match: found[match[1]], file.read_text(encoding="utf-8"))

    # Inner parts first: the plain port's has two of them in it.
    for part, needed in (
        ("PROBLEM", True),
        ("ACME", "CALLBOARD_ACME_ROOT" in found),
        ("TLS", "CALLBOARD_TLS_KEY" in found),
        ("PLAIN", "CALLBOARD_TLS_KEY" in found),
    ):
        found[f"CALLBOARD_PART_{part}"] = filled(PARTS / f"{part.lower()}.conf") if needed else ""
    return filled(TEMPLATE)


def main() -> None:
    if not sys.argv[1:] or sys.argv[2:]:
        sys.exit("usage: render.py OUTPUT")
    try:
        text = render(os.environ)
    except UnusableValue as error:
        sys.exit(str(error))
    Path(sys.argv[1]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
