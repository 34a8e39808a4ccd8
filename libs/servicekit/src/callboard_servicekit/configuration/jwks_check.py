"""Whether auth's public keys can be had."""

import httpx

from callboard_servicekit.configuration.finding import Finding, refusal
from callboard_servicekit.token_keys import FETCH_TIMEOUT_SECONDS, UNREADABLE, read_key_set

VARIABLE = "CALLBOARD_JWKS_URL"
_HINT = "auth publishes its keys at /.well-known/jwks.json on AUTH_PORT: does it run, and is it reachable from here?"


async def check_jwks(url: str) -> list[Finding]:
    """Fetch the key set as a service does."""
    try:
        async with httpx.AsyncClient() as client:
            answer = await client.get(url, timeout=FETCH_TIMEOUT_SECONDS)
            answer.raise_for_status()
        read_key_set(answer.text)
    except httpx.HTTPStatusError as error:
        return [refusal(VARIABLE, f"answers {error.response.status_code}; {_HINT}")]
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return [refusal(VARIABLE, f"cannot be fetched ({type(error).__name__}); {_HINT}")]
    except UNREADABLE:
        return [refusal(VARIABLE, f"answers, but not with a set of Ed25519 keys; {_HINT}")]
    return []
