"""What the audit log is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from callboard_contracts.accounts import ActorKind, AuditAction

from callboard_auth.accounts.account import Account

Details = Mapping[str, str | int | None]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it; the system and the unknown have neither id nor login."""

    kind: ActorKind
    id: str | None = None
    login: str | None = None

    @classmethod
    def of(cls, account: Account) -> "Actor":
        return cls(ActorKind.USER, account.user_id, account.login)


@dataclass(frozen=True, slots=True)
class Subject:
    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Event:
    """``details`` go onto the wire as they are: camelCase, small, and never a secret."""

    organization_id: str
    at: datetime
    action: AuditAction
    actor: Actor
    subject: Subject
    details: Details = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """``id`` is the event's place in the log."""

    id: int
    event: Event
    request_id: str | None
