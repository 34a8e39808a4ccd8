"""Names of channels and keys: what a client may name, and that no name reaches into another organisation."""

import re

import pytest
from callboard_contracts.channels import GENERAL, LOGS, ORG, PRESENCE, WORKFLOWS, Channel, ChannelKind
from callboard_contracts.keys import channel_key, guard_key, meta_key, parse_channel_key, ticket_key
from callboard_contracts.wire import IDENTIFIER_PATTERN
from hypothesis import given
from hypothesis import strategies as st

identifiers = st.from_regex(re.compile(IDENTIFIER_PATTERN, re.ASCII), fullmatch=True).filter(
    lambda text: not text.endswith("\n")
)
channels = st.one_of(
    st.sampled_from([ORG, LOGS, GENERAL]),
    identifiers.map(Channel.execution),
    identifiers.map(Channel.room),
)


@given(channels)
def test_a_channel_is_read_back_from_its_name(channel: Channel) -> None:
    assert Channel.parse(str(channel)) == channel


@given(st.text(max_size=200))
def test_whatever_is_read_as_a_channel_is_written_the_same_again(name: str) -> None:
    try:
        channel = Channel.parse(name)
    except ValueError:
        return
    assert str(channel) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ":",
        "org:",
        "org:1",
        "logs:x",
        "execution",
        "execution:",
        "room:",
        "ORG",
        " org",
        "org\n",
        "workspace:1",
        "execution:a b",
        "execution:a\n",
        "execution:a:b",
        "execution:.hidden",
        "execution:../other",
        "execution:a{b}",
        "execution:*",
        "execution:é",
        "execution:" + "a" * 129,
        "room:٣",
    ],
)
def test_what_names_no_channel_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"no such channel|an id matches"):
        Channel.parse(name)


def test_the_longest_id_is_128_characters() -> None:
    assert Channel.parse("execution:" + "a" * 128).id == "a" * 128


def test_the_standing_channels_have_the_names_of_the_protocol() -> None:
    standing = (ORG, LOGS, GENERAL, WORKFLOWS, PRESENCE)
    assert [str(channel) for channel in standing] == ["org", "logs", "room:general", "workflows", "presence"]
    kinds = {"org", "execution", "logs", "room", "workflows", "workflow", "presence"}
    assert {str(kind) for kind in ChannelKind} == kinds


@given(organization=identifiers, channel=channels)
def test_a_channel_is_read_back_from_its_key(organization: str, channel: Channel) -> None:
    assert parse_channel_key(channel_key(organization, channel)) == (organization, channel)


@pytest.mark.parametrize(
    "key", ["", "cb:revocations", "cb:{}:org", "cb:{o}:", "cb:{o}:org:meta", "xcb:{o}:org", "cb:{o}"]
)
def test_another_key_is_not_the_key_of_a_channel(key: str) -> None:
    with pytest.raises(ValueError, match=r"not the key of a channel|no such channel|an id matches"):
        parse_channel_key(key)


@given(st.lists(st.tuples(identifiers, channels, identifiers), min_size=2, max_size=2, unique=True))
def test_two_subjects_never_share_a_guard(pair: list[tuple[str, Channel, str]]) -> None:
    assert guard_key(*pair[0]) != guard_key(*pair[1])


def test_every_key_of_an_organisation_carries_its_hash_tag() -> None:
    keys = [
        channel_key("o1", ORG),
        meta_key("o1", ORG),
        guard_key("o1", ORG, "e:1"),
        ticket_key("o1", "j"),
    ]
    assert keys == ["cb:{o1}:org", "cb:{o1}:org:meta", "cb:{o1}:org:guard:e:1", "cb:{o1}:ticket:j"]
