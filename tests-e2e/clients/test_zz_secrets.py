"""Runs last: after all that these clients did, no log holds a credential of theirs, and no session's id."""

import re

from callboard_testkit.directus import COOKIE, Directus
from callboard_testkit.suite import RunningSuite

SECRETS = re.compile(
    rb"ah_live_[A-Za-z0-9]+_[A-Za-z0-9]{8}"
    rb"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    rb"|not\.a\.token"
    rb"|[?&](?:token|sid)=|" + COOKIE.encode()
)


def test_no_log_holds_a_token_a_cookie_or_the_id_of_a_session(suite: RunningSuite, directus: Directus) -> None:
    logs = [path for path in suite.log_directory.rglob("*") if path.is_file()]
    assert {"social", "social-2", "gateway"} <= {path.name.split(".")[0] for path in logs}
    assert sum(path.stat().st_size for path in logs) > 10_000, "the session logged next to nothing"
    for path in logs:
        text = path.read_bytes()
        assert {match[0][:12] for match in SECRETS.finditer(text)} == set(), path.name
        assert [value for value in directus.sessions if value.encode() in text] == [], path.name
