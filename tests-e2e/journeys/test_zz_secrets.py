"""Runs last: after all that this session did, no log holds a credential."""

import re

from callboard_testkit.suite import PASSWORD, RunningSuite

SECRETS = re.compile(
    rb"ah_live_[A-Za-z0-9]+_[A-Za-z0-9]{8}"
    rb"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    rb"|auth_token=[A-Za-z0-9]"
    rb"|refresh_token=[A-Za-z0-9]"
    rb"|[?&]token=" + b"|" + PASSWORD.encode()
)


def test_no_log_holds_a_token_a_cookie_or_a_password(suite: RunningSuite) -> None:
    logs = [path for path in suite.log_directory.rglob("*") if path.is_file()]
    assert {"auth", "social", "producer"} <= {path.name.split(".")[0] for path in logs}
    assert sum(path.stat().st_size for path in logs) > 10_000, "the session logged next to nothing"
    for path in logs:
        shapes = {match[0][:12] for match in SECRETS.finditer(path.read_bytes())}
        assert shapes == set(), path.name
