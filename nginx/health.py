"""Whether NGINX answers on its port, asked from within the container; needs neither curl nor a listener of its own."""

import http.client
import ssl
from collections.abc import Mapping

from nginx.render import has_certificate

PATIENCE_SECONDS = 3.0
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
# The access log leaves out who asks for the front page's head under this name from loopback.
HEADERS = {"User-Agent": "callboard-health"}


def _connection(environment: Mapping[str, str]) -> http.client.HTTPConnection:
    bound = (environment.get("CALLBOARD_BIND") or "127.0.0.1").strip("[]")
    host = EVERY_ADDRESS.get(bound, bound)
    if not has_certificate(environment):
        return http.client.HTTPConnection(host, int(environment.get("CALLBOARD_PORT") or 8080), PATIENCE_SECONDS)
    # The certificate is for the public name, not for loopback; who answers here is not in doubt.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    port = int(environment.get("CALLBOARD_TLS_PORT") or 8443)
    return http.client.HTTPSConnection(host, port, timeout=PATIENCE_SECONDS, context=context)


def is_healthy(environment: Mapping[str, str]) -> bool:
    """True when the dashboard's page is served where the gateway listens."""
    connection = _connection(environment)
    try:
        connection.request("HEAD", "/", headers=HEADERS)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
