"""What an operator counts in auth."""

from callboard_servicekit.telemetry import Telemetry
from prometheus_client import Counter


class AuthMetrics:
    """``outcome`` is ``success`` or the code of the problem that was answered."""

    def __init__(self, telemetry: Telemetry) -> None:
        self.logins = Counter("callboard_auth_logins", "Logins attempted.", ("outcome",), registry=telemetry.registry)
        self.refreshes = Counter(
            "callboard_auth_refreshes", "Refresh cookies presented.", ("outcome",), registry=telemetry.registry
        )
        self.exchanges = Counter(
            "callboard_auth_token_exchanges", "API tokens presented.", ("outcome",), registry=telemetry.registry
        )
