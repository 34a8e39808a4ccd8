"""Packets and payloads."""

import base64

import pytest
from callboard_social.wire.engineio.errors import MalformedPacket, PayloadTooLarge
from callboard_social.wire.engineio.packet import (
    SEPARATOR,
    Packet,
    PacketType,
    decode_packet,
    decode_payload,
    encode_frame,
)
from callboard_social.wire.protocol import Frame
from hypothesis import given
from hypothesis import strategies as st

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SEPARATOR))
PACKETS = st.one_of(
    st.builds(Packet, st.sampled_from(PacketType), TEXT),
    st.builds(lambda data: Packet(PacketType.MESSAGE, data), st.binary()),
)


def encoded(packet: Packet) -> str:
    frame = (
        Frame("message", "", (packet.data,))
        if isinstance(packet.data, bytes)
        else Frame("message", packet.type + packet.data)
    )
    return SEPARATOR.join(encode_frame(frame))


@given(st.lists(PACKETS, min_size=1, max_size=30))
def test_a_payload_is_read_as_it_was_written(packets: list[Packet]) -> None:
    payload = SEPARATOR.join(encoded(packet) for packet in packets)
    assert decode_payload(payload.encode(), 30) == packets


@given(st.one_of(st.binary(max_size=50), st.text("0123456b=A\x1e\u0663", max_size=20).map(str.encode)))
def test_any_bytes_are_packets_or_malformed(body: bytes) -> None:
    try:
        packets = decode_payload(body, 1_000)
    except MalformedPacket:
        return
    assert SEPARATOR.join(encoded(packet) for packet in packets).encode() == body


@given(st.text(max_size=12))
def test_only_the_seven_digits_and_base64_are_packets(text: str) -> None:
    is_packet = text[:1] in set("0123456") and text != ""
    if text.startswith("b"):
        is_packet = _is_canonical(text[1:])
    if is_packet:
        decode_packet(text)
    else:
        with pytest.raises(MalformedPacket):
            decode_packet(text)


def _is_canonical(text: str) -> bool:
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode() == text
    except ValueError:
        return False


@pytest.mark.parametrize("text", ["AQI", "AQI=\n", " AQI=", "AQ=I", "AQID=", "AQIDBA==A", "A", "=", "AQI=AQI=", "-_8="])
def test_what_is_almost_base64_is_malformed(text: str) -> None:
    with pytest.raises(MalformedPacket):
        decode_packet("b" + text)


def test_a_payload_of_too_many_packets_is_not_taken_apart() -> None:
    body = SEPARATOR.join(["3"] * 11).encode()
    assert len(decode_payload(body, 11)) == 11
    with pytest.raises(PayloadTooLarge):
        decode_payload(body, 10)


def test_a_frame_is_its_text_and_then_its_attachments() -> None:
    assert list(encode_frame(Frame("event", "452-x", (b"\1", b"")))) == ["452-x", "bAQ==", "b"]
    assert list(encode_frame(Frame("event", "", (b"\1",)))) == ["bAQ=="]


def test_the_size_of_a_packet_counts_bytes() -> None:
    assert decode_packet("4\u20ac").size == 4
    assert decode_packet("bAQID").size == 4
