"""What a Socket.IO packet looks like, and what is none."""

from contextlib import suppress
from typing import Any

import pytest
from callboard_social.dialects.socketio.attachment import MAX_ATTACHMENTS
from callboard_social.dialects.socketio.packet import (
    MAX_ACKNOWLEDGEMENT_ID,
    MAX_NAMESPACE_CHARACTERS,
    RESERVED_EVENTS,
    MalformedPacket,
    Packet,
    PacketType,
    encode,
)
from callboard_social.dialects.socketio.reading import MAX_ATTACHED_BYTES, PacketReader
from hypothesis import given, settings
from hypothesis import strategies as st
from socketio.packet import Packet as ClientPacket

PLACE_0 = '{"_placeholder":true,"num":0}'
PLACE_1 = '{"_placeholder":true,"num":1}'

EXAMPLES = [
    (Packet(PacketType.CONNECT), ("40",)),
    (
        Packet(PacketType.CONNECT, "/admin", {"sid": "oSO0OpakMV_3jnilAAAA"}),
        ('40/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}',),
    ),
    (Packet(PacketType.CONNECT_ERROR, data={"message": "Not authorized"}), ('44{"message":"Not authorized"}',)),
    (Packet(PacketType.EVENT, data=["foo"]), ('42["foo"]',)),
    (Packet(PacketType.EVENT, "/admin", ["bar"]), ('42/admin,["bar"]',)),
    (Packet(PacketType.EVENT, data=["baz", b"\1\2\3\4"]), (f'451-["baz",{PLACE_0}]', b"\1\2\3\4")),
    (
        Packet(PacketType.EVENT, "/admin", ["baz", b"\1\2", b"\3\4"]),
        (f'452-/admin,["baz",{PLACE_0},{PLACE_1}]', b"\1\2", b"\3\4"),
    ),
    (Packet(PacketType.EVENT, data=["foo"], id=12), ('4212["foo"]',)),
    (Packet(PacketType.ACK, "/admin", ["bar"], 13), ('43/admin,13["bar"]',)),
    (Packet(PacketType.ACK, data=["bar", b"\1\2\3\4"], id=15), (f'461-15["bar",{PLACE_0}]', b"\1\2\3\4")),
    (Packet(PacketType.DISCONNECT), ("41",)),
    (Packet(PacketType.DISCONNECT, "/admin"), ("41/admin,",)),
]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=10)
    | st.binary(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "num", "é", "/,["]), inner, max_size=3)
    ),
    max_leaves=MAX_ATTACHMENTS,
)
namespaces = st.just("/") | st.text("abc/ -?=1é", max_size=20).map("/".__add__)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(
    lambda name: name not in RESERVED_EVENTS
)
ids = st.integers(0, MAX_ACKNOWLEDGEMENT_ID)
events = st.builds(
    lambda namespace, name, arguments, number: Packet(PacketType.EVENT, namespace, [name, *arguments], number),
    namespaces,
    names,
    st.lists(json_values, max_size=1),
    st.none() | ids,
)
acknowledgements = st.builds(Packet, st.just(PacketType.ACK), namespaces, st.lists(json_values, max_size=1), ids)


def messages(packet: Packet) -> list[str | bytes]:
    """As Engine.IO hands them on, without the type of its own packet."""
    frame = encode(packet, "test")
    return [frame.text.removeprefix("4"), *frame.attachments]


def read(*sent: str | bytes) -> Packet | None:
    """The packet that is complete with the last of these messages."""
    reader = PacketReader()
    for message in sent[:-1]:
        assert reader.read(message) is None
    return reader.read(sent[-1])


@pytest.mark.parametrize(("packet", "encoded"), EXAMPLES)
def test_the_protocol_documents_examples_are_written_and_read(packet: Packet, encoded: tuple[Any, ...]) -> None:
    frame = encode(packet, "test")
    assert (frame.text, *frame.attachments) == encoded
    assert read(*messages(packet)) == packet


@settings(deadline=None)
@given(events | acknowledgements)
def test_what_is_written_is_read_again(packet: Packet) -> None:
    assert read(*messages(packet)) == packet


@settings(deadline=None)
@given(events | acknowledgements)
def test_the_python_client_reads_what_we_write(packet: Packet) -> None:
    header, *attachments = messages(packet)
    theirs = ClientPacket(encoded_packet=header)
    for attachment in attachments:
        theirs.add_attachment(attachment)
    assert theirs.data == packet.data
    assert theirs.id == packet.id
    assert (theirs.namespace or "/") == packet.namespace.partition("?")[0]


@settings(deadline=None)
@given(events | acknowledgements)
def test_we_read_what_the_python_client_writes(packet: Packet) -> None:
    theirs = ClientPacket(packet.type.value, packet.data, packet.namespace, packet.id).encode()
    assert read(*([theirs] if isinstance(theirs, str) else theirs)) == packet


@settings(deadline=None)
@given(st.text() | st.from_regex(r"[0-6]([0-9]{1,2}-)?(/[a-z]{1,3},)?[0-9]{0,3}[\[{].*", fullmatch=True))
def test_any_text_is_a_packet_or_malformed_and_nothing_else_is_raised(text: str) -> None:
    with suppress(MalformedPacket):
        PacketReader().read(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "7",
        "9[]",
        "-1",
        '٢["foo"]',  # a digit, of another script
        "²",
        "2",
        "2{}",
        "2[]",
        "2null",
        '2"foo"',
        '2["foo"',
        '2["foo"]]',
        '2abc["foo"]',
        "2[null]",
        "2[true]",
        "2[{}]",
        "2[[]]",
        '2["foo",NaN]',
        '2["foo",1e999]',
        '2["foo","\\ud800"]',
        '2["foo",' + "[" * 40 + "]" * 40 + "]",
        '2["foo",' + "[" * 100_000,
        '21-["foo"]',
        '2-1["foo"]',
        '29007199254740992["foo"]',
        f'2{"1" * 100}["foo"]',
        '2٣["foo"]',
        '2/admin["foo"]',
        "2/admin,",
        f'2/{"x" * MAX_NAMESPACE_CHARACTERS},["foo"]',
        '2/a\x1eb,["foo"]',
        '2admin,["foo"]',
        "0[]",
        "0null",
        "01",
        '0"token"',
        '01{"token":"x"}',
        "0/admin,[]",
        "1{}",
        "1[]",
        "15",
        "1/admin,null",
        "3",
        "3[]",
        "312",
        "312{}",
        '3/admin,["foo"]',
        "4",
        '4"no"',
        "4[]",
        '5["foo"]',
        f'5-["foo",{PLACE_0}]',
        f'5٢-["foo",{PLACE_0},{PLACE_1}]',
        '511-["foo"]',
        '5999999999999999999999-["foo"]',
        '51-["foo"]',
        f'50-["foo",{PLACE_0}]',
        f'51-["foo",{PLACE_1}]',
        f'51-["foo",{PLACE_0},{PLACE_0}]',
        f'51-["foo",{PLACE_0},{PLACE_1}]',
        f'52-["foo",{PLACE_0}]',
        f'52-["foo",{PLACE_0},{PLACE_0}]',
        f"51-[{PLACE_0}]",
        '51-["foo",{"_placeholder":true}]',
        '51-["foo",{"_placeholder":true,"num":-1}]',
        '51-["foo",{"_placeholder":true,"num":0.0}]',
        '51-["foo",{"_placeholder":true,"num":false}]',
        '51-["foo",{"_placeholder":true,"num":"0"}]',
        '51-["foo",{"_placeholder":true,"num":0,"more":1}]',
        f'51-{{"foo":{PLACE_0}}}',
        f"61-[{PLACE_0}]",
        f"61-12{PLACE_0}",
    ],
)
def test_a_malformed_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedPacket):
        PacketReader().read(text)


@pytest.mark.parametrize("name", sorted(RESERVED_EVENTS))
def test_an_event_may_not_have_a_name_that_clients_keep_for_themselves(name: str) -> None:
    with pytest.raises(MalformedPacket):
        PacketReader().read(f'2["{name}"]')


@pytest.mark.parametrize(
    ("text", "packet"),
    [
        ("0/admin", Packet(PacketType.CONNECT, "/admin")),
        ('0/admin?token=x,{"a":1}', Packet(PacketType.CONNECT, "/admin?token=x", {"a": 1})),
        ('0/,{"a":1}', Packet(PacketType.CONNECT, "/", {"a": 1})),
        ("2[1.5]", Packet(PacketType.EVENT, data=[1.5])),
        (
            '2["a-b",{"_placeholder":true,"num":0}]',
            Packet(PacketType.EVENT, data=["a-b", {"_placeholder": True, "num": 0}]),
        ),
        ('50-["foo"]', Packet(PacketType.EVENT, data=["foo"])),
        ('29007199254740991["foo"]', Packet(PacketType.EVENT, data=["foo"], id=2**53 - 1)),
        ("30[]", Packet(PacketType.ACK, data=[], id=0)),
    ],
)
def test_what_is_unusual_and_allowed_is_read(text: str, packet: Packet) -> None:
    assert read(text) == packet


def test_an_attachment_that_nothing_announced_is_refused() -> None:
    with pytest.raises(MalformedPacket):
        PacketReader().read(b"\1")


def test_an_attachment_too_many_is_refused() -> None:
    reader = PacketReader()
    reader.read(f'51-["foo",{PLACE_0}]')
    assert reader.read(b"\1") is not None
    with pytest.raises(MalformedPacket):
        reader.read(b"\2")


def test_a_text_while_attachments_are_missing_is_refused() -> None:
    reader = PacketReader()
    reader.read(f'52-["foo",{PLACE_0},{PLACE_1}]')
    reader.read(b"\1")
    with pytest.raises(MalformedPacket):
        reader.read('2["bar"]')


def test_the_attachments_of_a_packet_are_bounded_together_and_counted_anew_for_the_next() -> None:
    header = f'52-["foo",{PLACE_0},{PLACE_1}]'
    half = bytes(MAX_ATTACHED_BYTES // 2)
    reader = PacketReader()
    for _ in range(2):
        reader.read(header)
        reader.read(half)
        assert reader.read(half) is not None
    reader.read(header)
    reader.read(half)
    with pytest.raises(MalformedPacket):
        reader.read(half + b"\1")


def test_more_attachments_than_clients_take_are_not_sent() -> None:
    assert len(encode(Packet(PacketType.EVENT, data=["foo", *[b"x"] * MAX_ATTACHMENTS]), "foo").attachments) == 10
    with pytest.raises(ValueError, match="more attachments"):
        encode(Packet(PacketType.EVENT, data=["foo", *[b"x"] * (MAX_ATTACHMENTS + 1)]), "foo")


def test_data_that_would_be_taken_for_an_attachment_is_not_sent_beside_one() -> None:
    lookalike = {"_placeholder": True, "num": 7}
    assert encode(Packet(PacketType.EVENT, data=["foo", lookalike]), "foo").attachments == ()
    with pytest.raises(ValueError, match="looks like"):
        encode(Packet(PacketType.EVENT, data=["foo", lookalike, b"x"]), "foo")


def test_what_no_client_could_parse_is_not_sent() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode(Packet(PacketType.EVENT, data=["foo", float("nan")]), "foo")


def test_tuples_and_views_of_bytes_are_sent_as_lists_and_bytes() -> None:
    packet = Packet(PacketType.EVENT, data=("foo", (bytearray(b"a"), memoryview(b"b"))))
    assert read(*messages(packet)) == Packet(PacketType.EVENT, data=["foo", [b"a", b"b"]])
