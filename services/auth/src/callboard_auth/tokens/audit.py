"""What the audit log is told of API tokens."""

from datetime import datetime

from callboard_contracts.accounts import ActorKind, AuditAction
from sqlalchemy.ext.asyncio import AsyncSession

from callboard_auth.audit.event import Actor, Details, Event, Subject
from callboard_auth.audit.repository import AuditRepository
from callboard_auth.tokens.repository import StoredApiToken

SUBJECT_KIND = "api-token"


def agent_of(token: StoredApiToken) -> Actor:
    return Actor(ActorKind.AGENT, token.agent_id, token.name)


async def record(
    unit: AsyncSession,
    action: AuditAction,
    token: StoredApiToken,
    *,
    actor: Actor,
    at: datetime,
    details: Details | None = None,
) -> None:
    """Write an event about a token into the log of its organisation."""
    subject = Subject(SUBJECT_KIND, token.id, token.name)
    await AuditRepository(unit).add(Event(token.organization_id, at, action, actor, subject, details or {}))
