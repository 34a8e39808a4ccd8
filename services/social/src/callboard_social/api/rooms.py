"""``/api/socials/rooms``: rooms, who is in them, and what is said there, without a socket."""

from http import HTTPStatus
from typing import Annotated, Any

from callboard_contracts import rooms as wire
from callboard_contracts.positions import Position
from callboard_contracts.rooms import DEFAULT_PAGE, MAX_PAGE, Sequence
from callboard_contracts.wire import Identifier
from callboard_servicekit import strict_json
from callboard_servicekit.openapi import problems
from fastapi import APIRouter, Path, Query, Response

from callboard_social.api.caller import Caller, CurrentRooms, IdentifiedJsonRoute

RoomId = Annotated[Identifier, Path()]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
router = APIRouter(
    prefix="/api/socials/rooms",
    route_class=IdentifiedJsonRoute,
    tags=["rooms"],
    responses=problems(400, 401, 403, 413, 422, 503),
)


@router.post("", status_code=HTTPStatus.CREATED, responses=problems(409))
async def create_room(body: wire.RoomCreate, response: Response, caller: Caller, rooms: CurrentRooms) -> wire.Room:
    """Make a room, owned by the caller: 201, or 200 when this very one has been made before."""
    room, is_new = await rooms.create(caller, body)
    response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    return room


@router.get("")
async def list_rooms(
    caller: Caller,
    rooms: CurrentRooms,
    limit: Limit = DEFAULT_PAGE,
    cursor: Annotated[Identifier | None, Query()] = None,
) -> wire.RoomPage:
    """The caller's rooms and the open ones: ``general``, then by id."""
    return await rooms.visible(caller, after=cursor, limit=limit)


@router.get("/{room_id}/members", responses=problems(409))
async def list_members(
    room_id: RoomId,
    caller: Caller,
    rooms: CurrentRooms,
    limit: Limit = DEFAULT_PAGE,
    cursor: Annotated[Identifier | None, Query()] = None,
) -> wire.RoomMemberPage:
    """Who is in a room, by user id; for its members, and for who may manage them."""
    return await rooms.members(caller, room_id, after=cursor or "", limit=limit)


@router.post("/{room_id}/members", responses=problems(409))
async def set_member(room_id: RoomId, body: wire.RoomMemberSet, caller: Caller, rooms: CurrentRooms) -> wire.RoomMember:
    """Bring somebody into a room, or give another role. After a 503, the same call again finishes it."""
    return await rooms.set_member(caller, room_id, body)


@router.delete("/{room_id}/members/{user_id}", status_code=HTTPStatus.NO_CONTENT, responses=problems(409))
async def remove_member(
    room_id: RoomId, user_id: Annotated[Identifier, Path()], caller: Caller, rooms: CurrentRooms
) -> Response:
    """Have somebody out of a room; 204 once its sockets have been told. After a 503, the same call finishes it."""
    await rooms.remove_member(caller, room_id, user_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{room_id}/join")
async def join_room(room_id: RoomId, caller: Caller, rooms: CurrentRooms) -> wire.Room:
    """Be in an open room; whoever is in already stays what it is."""
    return await rooms.join(caller, room_id)


@router.post("/{room_id}/leave", status_code=HTTPStatus.NO_CONTENT, responses=problems(409))
async def leave_room(room_id: RoomId, caller: Caller, rooms: CurrentRooms) -> Response:
    """Be in a room no longer; 204 once the caller's sockets have left it. After a 503, the same call finishes it."""
    await rooms.leave(caller, room_id)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/{room_id}/messages", response_model=wire.MessagePage)
async def list_messages(
    room_id: RoomId,
    caller: Caller,
    rooms: CurrentRooms,
    before: Annotated[Sequence | None, Query()] = None,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """The newest messages, newest first; ``nextBefore`` leads into the past, ``X-Position`` to what follows."""
    await rooms.require_member(caller, room_id)
    # Taken first: what is said between the two is in the page and comes again, instead of being in neither.
    position = await rooms.position(caller, room_id)
    page = await rooms.history(caller, room_id, before, limit)
    body = {"messages": [message.to_wire() for message in page.messages], "nextBefore": page.next_before}
    return _json(body, position)


@router.post(
    "/{room_id}/messages",
    status_code=HTTPStatus.CREATED,
    response_model=wire.Message,
    responses=problems(409),
)
async def post_message(room_id: RoomId, body: wire.MessageCreate, caller: Caller, rooms: CurrentRooms) -> Response:
    """Say something: 201, or 200 for a ``clientId`` that has said it before. After a 503, the same call finishes it."""
    said = await rooms.say(caller, room_id, body.content, client_id=body.client_id, fields=body.model_extra)
    status = HTTPStatus.OK if said.is_repeat else HTTPStatus.CREATED
    return _json(said.message.to_wire(), said.position, status)


def _json(value: Any, position: Position, status: HTTPStatus = HTTPStatus.OK) -> Response:
    return Response(strict_json.dumps(value), status, {"X-Position": str(position)}, media_type="application/json")
