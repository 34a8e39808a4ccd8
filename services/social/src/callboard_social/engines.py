"""What Socket.IO clients find behind each path: namespaces, and who answers in them."""

from collections.abc import Awaitable, Callable, Mapping

from callboard_contracts.native import MAX_INBOUND_BYTES

from callboard_social.dialects.socketio.application import Application, Visit
from callboard_social.dialects.socketio.applications import agents, executions, workflows
from callboard_social.dialects.socketio.applications.admission import Admission
from callboard_social.dialects.socketio.applications.dialect import SocketIoDialect
from callboard_social.dialects.socketio.server import SocketIo
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
    limited = metrics.limited("violations")
    applications: dict[str, Application] = {
        executions.NAMESPACE: lambda socket, visit: executions.ExecutionsSession(
            socket, visit, admission, executions_dialect
        )
    }
    if has_agents:
        applications[agents.NAMESPACE] = lambda socket, visit: agents.AgentsSession(
            socket, visit, admission, agents_dialect, rooms=rooms, limited=limited
        )
    return _opening(SocketIo(applications, metrics, events=agents.EVENTS), admission)


def _workflows(admission: Admission, metrics: SocialMetrics) -> OpenSession:
    dialect = SocketIoDialect(workflows.NAMESPACE, workflows.encode)
    applications: dict[str, Application] = {
        workflows.NAMESPACE: lambda socket, visit: workflows.WorkflowsSession(socket, visit, admission, dialect)
    }
    return _opening(SocketIo(applications, metrics), admission)


def _opening(socketio: SocketIo, admission: Admission) -> OpenSession:
    async def open_session(session: EngineSession) -> SessionHandler:
        return await socketio(session, Visit(await admission.presented(session.request)))

    return open_session
