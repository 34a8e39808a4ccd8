"""A handshake through ASGI, a life outside it.

An ASGI server keeps a task, a scope with all its headers, a queue and two closures for every WebSocket, for as long as
it is open, and wakes the task for every message it writes. That is the right shape for a handshake, where a framework
finds the route, reads cookies and answers with a status; it is dear for a socket that listens for hours and is written
to by somebody else. So here the two are parted:

1. `HandoffProtocol` is uvicorn's own WebSocket protocol (its ``ws=`` setting). It runs the application as always.
2. The application accepts, calls `hand_off(scope, receiver)` and returns.
3. The transport now belongs to a `SlimSocket`, and task, scope, queue and protocol are let go. What comes in goes to
   the receiver by plain calls; what goes out is written with one call, in bytes that may be shared by any number of
   sockets: a server's frames are not masked, so they are the same for all (`frames`).

Parsing, masking, fragmentation, UTF-8, control frames and the closing handshake stay with `websockets`, whose protocol
does no input or output of its own. A socket on which nothing is half said needs none: it borrows one when something
comes.

What makes the hand-over safe, each found by trying:

- uvicorn closes the transport when the application returns: it is left without one.
- uvicorn counts connections, and tells each of them when it shuts down: the new one takes the old one's place.
- The client may have sent frames already, or half of one: messages are passed on, and a parser that has begun goes on.
- Reading may be paused, and writing too: the first is resumed, the second taken over.
- The client may be gone already: the receiver hears that as it would hear it later.
- The application's context holds its request: nothing is started in it.

A socket defends itself: bytes that wait for a slow peer are bounded, a close is followed by an end, a peer that says
too much is read more slowly, and a silent one is noticed by one timer for all (`Wheel`).
"""

from callboard_social.handoff.messages import Parsers
from callboard_social.handoff.slim_socket import Receiver, SlimSocket, SocketLimits
from callboard_social.handoff.upgrade import HandoffProtocol, hand_off
from callboard_social.handoff.wheel import Wheel

__all__ = ["HandoffProtocol", "Parsers", "Receiver", "SlimSocket", "SocketLimits", "Wheel", "hand_off"]
