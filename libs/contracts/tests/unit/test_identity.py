"""Roles, claims, and who is behind a token."""

from typing import Any

import pytest
from callboard_contracts.identity import Identity, IdentityKind, PrimaryClaims, Role, TicketClaims
from pydantic import ValidationError

PRIMARY: dict[str, Any] = {
    "iss": "http://localhost:8080",
    "aud": "callboard",
    "sub": "u1",
    "login": "ada",
    "org": "o1",
    "role": "member",
    "kind": "user",
    "sid": "s1",
    "iat": 100,
    "exp": 1000,
    "jti": "j1",
    "user_id": "u1",
    "organizationId": "o1",
}
TICKET: dict[str, Any] = {
    "type": "ws-connect",
    "aud": "callboard-social",
    "user_id": "u1",
    "login": "ada",
    "org": "o1",
    "role": "member",
    "kind": "user",
    "sid": "s1",
    "jti": "j2",
    "iatMs": 200_000,
    "exp": 211,
    "identityIat": 100,
    "identityExp": 1000,
}


@pytest.mark.parametrize(
    ("role", "included"),
    [
        (Role.OWNER, {Role.OWNER, Role.ADMIN, Role.MEMBER, Role.VIEWER}),
        (Role.ADMIN, {Role.ADMIN, Role.MEMBER, Role.VIEWER}),
        (Role.MEMBER, {Role.MEMBER, Role.VIEWER}),
        (Role.VIEWER, {Role.VIEWER}),
    ],
)
def test_a_role_includes_itself_and_the_lesser_ones(role: Role, included: set[Role]) -> None:
    assert {other for other in Role if role.includes(other)} == included


def test_both_tokens_prove_the_same_identity() -> None:
    primary = Identity.from_primary(PrimaryClaims.model_validate(PRIMARY))
    assert primary == Identity.from_ticket(TicketClaims.model_validate(TICKET))
    assert primary == Identity(
        user_id="u1",
        login="ada",
        organization_id="o1",
        role=Role.MEMBER,
        kind=IdentityKind.USER,
        session_id="s1",
        issued_at=100,
        expires_at=1000,
    )


def test_claims_keep_the_names_that_tokens_carry() -> None:
    claims = PrimaryClaims.model_validate(PRIMARY | {"sessionExp": 5000, "foreign": "ignored"})
    assert claims.session_exp == 5000
    written = claims.model_dump(mode="json", by_alias=True)
    assert written == PRIMARY | {"sessionExp": 5000}
    assert TicketClaims.model_validate(TICKET).model_dump(mode="json", by_alias=True) == TICKET


def test_a_session_that_never_ends_and_an_identity_without_one_are_both_absent() -> None:
    claims = PrimaryClaims.model_validate({name: value for name, value in PRIMARY.items() if name != "sid"})
    assert claims.session_exp is None
    assert Identity.from_primary(claims).session_id is None


@pytest.mark.parametrize(
    "change",
    [
        {"sub": ""},
        {"org": ""},
        {"role": "root"},
        {"kind": "robot"},
        {"exp": None},
        {"exp": "soon"},
        {"sub": 123},
        {"aud": ["callboard"]},
    ],
)
def test_claims_that_make_no_identity_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PrimaryClaims.model_validate(PRIMARY | change)


def test_a_primary_token_s_claims_are_no_ticket() -> None:
    with pytest.raises(ValidationError):
        TicketClaims.model_validate(PRIMARY)
    with pytest.raises(ValidationError):
        TicketClaims.model_validate(TICKET | {"type": "access"})


def test_an_identity_cannot_be_changed() -> None:
    identity = Identity.from_ticket(TicketClaims.model_validate(TICKET))
    with pytest.raises(ValidationError, match="frozen"):
        identity.organization_id = "o2"  # type: ignore[misc]
