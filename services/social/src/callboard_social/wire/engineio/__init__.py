"""Engine.IO, revision 4 of its protocol, server side: sessions over HTTP long-polling and WebSocket."""

from callboard_social.wire.engineio.options import Ending, EngineOptions, SessionHandler
from callboard_social.wire.engineio.server import EngineServer
from callboard_social.wire.engineio.session import EngineSession

__all__ = ["Ending", "EngineOptions", "EngineServer", "EngineSession", "SessionHandler"]
