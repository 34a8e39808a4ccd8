"""What Socket.IO clients find behind each path: namespaces, and who answers in them."""

from collections.abc import Awaitable, Callable, Mapping

from callboard_contracts.native import MAX_INBOUND_BYTES

from callboard_social.dialects.socketio.application import Application
from callboard_social.dialects.socketio.applications import agents, executions, workflows
from callboard_social.dialects.socketio.applications.admission import Admission
from callboard_social.dialects.socketio.applications.dialect import SocketIoDialect
from callboard_social.dialects.socketio.server import SocketIo
from callboard_social.limits import MAX_VIOLATIONS_PER_MINUTE, RateLimit
from callboard_social.metrics import SocialMetrics
from callboard_social.rooms.service import Rooms
from callboard_social.settings import SocialSettings
from callboard_social.wire.engineio.options import EngineOptions, SessionHandler
from callboard_social.wire.engineio.server import EngineServer
from callboard_social.wire.engineio.session import EngineSession

SOCKETIO_PATH = "/socket.io"
WORKFLOWS_PATH = "/ws"

OpenSession = Callable[[EngineSession], Awaitable[SessionHandler]]


def make_engines(
    settings: SocialSettings,
    admission: Admission,
    rooms: Rooms,
    metrics: SocialMetrics,
    *,
    is_ready: Callable[[], bool],
) -> Mapping[str, EngineServer]:
    """A server for each path; `is_ready` tells whether anybody can be let in."""
    options = EngineOptions(settings.ping_interval, settings.ping_timeout, max_payload=MAX_INBOUND_BYTES)
    openers = {
        SOCKETIO_PATH: _dashboards_and_agents(admission, rooms, metrics, has_agents=settings.messaging_enabled),
        WORKFLOWS_PATH: _workflows(admission, metrics),
    }
    return {
        path: EngineServer(options, opener, is_ready=is_ready, on_end=metrics.engine_ended)
        for path, opener in openers.items()
    }


def _dashboards_and_agents(
    admission: Admission, rooms: Rooms, metrics: SocialMetrics, *, has_agents: bool
) -> OpenSession:
    executions_dialect = SocketIoDialect(executions.NAMESPACE, executions.encode)
    agents_dialect = SocketIoDialect(agents.NAMESPACE, agents.encode, agents.encode_presence)

    async def open_session(session: EngineSession) -> SessionHandler:
        presented = await admission.presented(session.request)
        violations = RateLimit(MAX_VIOLATIONS_PER_MINUTE - 1, metrics.limited("violations"))
        applications: dict[str, Application] = {
            executions.NAMESPACE: lambda socket: executions.ExecutionsSession(
                socket, admission, executions_dialect, presented
            )
        }
        if has_agents:
            applications[agents.NAMESPACE] = lambda socket: agents.AgentsSession(
                socket, admission, agents_dialect, presented, rooms=rooms, violations=violations
            )
        return await SocketIo(applications, metrics, events=agents.EVENTS)(session)

    return open_session


def _workflows(admission: Admission, metrics: SocialMetrics) -> OpenSession:
    dialect = SocketIoDialect(workflows.NAMESPACE, workflows.encode)

    async def open_session(session: EngineSession) -> SessionHandler:
        presented = await admission.presented(session.request)
        applications: dict[str, Application] = {
            workflows.NAMESPACE: lambda socket: workflows.WorkflowsSession(socket, admission, dialect, presented)
        }
        return await SocketIo(applications, metrics)(session)

    return open_session
