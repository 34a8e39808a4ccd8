"""Entries as Redis keeps them: what goes in comes out, and what cannot be shown is passed over."""

import pytest
from callboard_contracts.channels import GENERAL, PRESENCE, Channel
from callboard_social.presence.entry import Present, Scope, read_entry, write_entry
from hypothesis import given
from hypothesis import strategies as st

from .presence_witness import make_identity

SPEAKABLE = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(SPEAKABLE, SPEAKABLE)
def test_an_entry_says_who_it_stands_for_whatever_the_names_hold(user_id: str, login: str) -> None:
    entry = write_entry("node", make_identity(user_id, login=login))
    assert read_entry(entry.encode()) == Present(user_id, login)


def test_a_user_has_one_entry_for_each_node() -> None:
    identity = make_identity("ada")
    assert write_entry("a", identity) == write_entry("a", make_identity("ada"))
    assert write_entry("a", identity) != write_entry("b", identity)


@pytest.mark.parametrize("raw", [b"", b"ada", b"{}", b"[]", b'["u","n"]', b'["u","n",1]', b'[1,"n","l"]', b"\xff\xfe"])
def test_what_is_no_entry_stands_for_nobody(raw: bytes) -> None:
    assert read_entry(raw) is None


def test_a_login_that_no_client_could_read_is_written_and_not_shown() -> None:
    assert read_entry(write_entry("node", make_identity("u", login="\ud800")).encode()) is None


def test_fields_of_a_later_release_are_passed_over() -> None:
    assert read_entry(b'["u","n","l",{"more":1}]') == Present("u", "l")


def test_the_general_room_has_the_list_of_the_organisation_and_other_rooms_their_own() -> None:
    assert Scope.of("o", GENERAL) == Scope.of("o", PRESENCE) == Scope("o", PRESENCE)
    room = Channel.room("r")
    assert Scope.of("o", room) == Scope("o", room)
    assert Scope("o", PRESENCE).heard_in == (PRESENCE, GENERAL)
    assert Scope("o", room).heard_in == (room,)
