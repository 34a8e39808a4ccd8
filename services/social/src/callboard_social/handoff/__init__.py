"""A handshake through ASGI, a life outside it.

An ASGI server keeps a task, a scope with all its headers, a queue and some closures for every WebSocket, for as long as
it is open, and wakes the task for every message it writes. That is the right shape for a handshake, where a framework
finds the route, reads cookies and answers with a status; it is dear for a socket that listens for hours and is written
to by somebody else. So here the two are parted:

1. `HandoffProtocol` is what uvicorn makes for an upgrade (its ``ws=`` setting), or `FirstBytes` without asking it (its
   ``http=`` setting). It runs the application as always.
2. The application accepts, calls `hand_off(scope, receiver, limits)` and returns.
3. The transport now belongs to a `SlimSocket`, and task, scope and handshake are let go. What comes in goes to the
   receiver by plain calls; what goes out is written with one call, in bytes that may be shared by any number of
   sockets: a server's frames are not masked, so they are the same for all (`frames`).

Parsing, masking, fragmentation, UTF-8, control frames and the closing handshake stay with `websockets`, whose protocol
does no input or output of its own; a socket on which nothing is half said has none.

What makes the hand-over safe, each found by trying:

- Bytes that a client sends before it is answered are held back, and read by the socket's own parser.
- uvicorn counts connections, and tells each of them when it shuts down: the new one takes the old one's place.
- Writing may be paused already: the new one has to know.
- The client may be gone already: the receiver hears that as it would hear it later.
- The application's context holds its request: nothing is started in it. The scope holds the handshake: it is emptied.

A socket defends itself. What waits for a slow peer is bounded, here and in the kernel; a close is followed by an end,
and then the kernel keeps nothing either; a peer that says too much is read more slowly, and everybody else has their
turn in between; a silent one is noticed by one timer for all (`Wheel`).
"""

from callboard_social.handoff.first_bytes import FirstBytes
from callboard_social.handoff.slim_socket import Receiver, SlimSocket, SocketLimits
from callboard_social.handoff.upgrade import HandoffProtocol, hand_off
from callboard_social.handoff.wheel import Wheel

__all__ = ["FirstBytes", "HandoffProtocol", "Receiver", "SlimSocket", "SocketLimits", "Wheel", "hand_off"]
