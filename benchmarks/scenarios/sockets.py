"""What a socket costs: to open it, and to have it open."""

from benchmarks.effort import Effort
from benchmarks.figures import Figures, medians
from benchmarks.machine import open_files
from benchmarks.minting import mint_over_http
from benchmarks.peers.gateway import BehindGateway
from benchmarks.scenarios.scenario import Column
from benchmarks.server import Server
from benchmarks.servers.callboard import Callboard
from benchmarks.trial import handshakes, memory_per_socket, started

IDLE = "idle"
STORM = "storm"
MINTING = "minting over HTTP"

IDLE_COLUMNS = (
    Column("server bytes/socket", "server_bytes"),
    Column("gateway bytes/socket", "gateway_bytes"),
    Column("Redis bytes/socket", "redis_bytes"),
    Column("kernel bytes/socket, both ends", "kernel_bytes"),
)
STORM_COLUMNS = (
    Column("server us", "server_us_per_handshake"),
    Column("Redis us", "redis_us_per_handshake"),
    Column("per second", "handshakes_per_second"),
    Column("p50 ms", "p50_ms"),
    Column("p99 ms", "p99_ms"),
)


def idle(server: Server, effort: Effort) -> dict[str, Figures]:
    """Half the runs: nothing here depends on what else the machine does."""
    count = effort.idle_sockets
    if isinstance(server, BehindGateway):
        # Two files for each socket; and NGINX takes idle ones back when a sixteenth of its connections is left.
        count = min(count, open_files() * 2 // 5)
    runs = [memory_per_socket(server, count) for _ in range((effort.runs + 1) // 2)]
    return {IDLE: medians(runs)}


def storm(server: Server, effort: Effort) -> dict[str, Figures]:
    with started(server):
        handshakes(server, effort.handshakes // 10, effort.at_once)  # what is made once is no cost of a handshake
        found = {
            STORM: medians([handshakes(server, effort.handshakes, effort.at_once) for _ in range(effort.runs)]),
        }
        if isinstance(server, Callboard):
            found[MINTING] = medians([mint_over_http(server, effort.handshakes) for _ in range(effort.runs)])
    return found
