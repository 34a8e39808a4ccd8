"""Puts the checks together: settings, what they say to each other, and what they lead to."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from callboard_servicekit.configuration.database_check import check_database, check_database_url
from callboard_servicekit.configuration.finding import Finding, Severity
from callboard_servicekit.configuration.jwks_check import check_jwks
from callboard_servicekit.configuration.redis_check import check_redis, check_redis_url
from callboard_servicekit.configuration.report import Report
from callboard_servicekit.configuration.rules import (
    check_addresses,
    check_ports,
    check_replicas,
    check_secrets,
    check_times,
)
from callboard_servicekit.configuration.service import ServiceConfiguration, variables_of
from callboard_servicekit.configuration.sources import EffectiveSetting, Sources, load, load_without_wrong, shown
from callboard_servicekit.settings import ServiceSettings, VerifierSettings

OFFLINE = "Redis, auth's keys and the databases: not asked (--offline)"

Question = Coroutine[Any, Any, list[Finding]]


def examine(
    services: Sequence[ServiceConfiguration], sources: Sources, replicas: Mapping[str, int], *, is_offline: bool
) -> Report:
    """Check everything that can be checked. ``replicas``: how many of each service are meant to run, 1 by default."""
    findings = [*check_secrets(services, sources), *_judge_shared(sources)]
    unchecked = []
    for service in services:
        settings = load(service.settings, sources)
        if isinstance(settings, ServiceSettings):
            findings += check_ports(service, settings)
            findings += [finding for rule in service.rules for finding in rule(settings)]
        else:
            findings += settings
            unchecked.append(f"{service.name}: some of its settings are wrong, so the rest is not judged")
        findings += check_replicas(service, sources, replicas)
    doors = _doors(services, sources)
    findings += [finding for check, _ in doors for finding in check]
    if is_offline:
        unchecked.append(OFFLINE)
    else:
        findings += asyncio.run(_ask([question for check, question in doors if not check]))
    # Services share most settings, and so what is wrong with them.
    ordered = sorted(dict.fromkeys(findings), key=lambda finding: finding.severity is not Severity.REFUSAL)
    return Report(tuple(effective_settings(services, sources)), tuple(ordered), tuple(unchecked))


def effective_settings(services: Sequence[ServiceConfiguration], sources: Sources) -> Iterator[EffectiveSetting]:
    for variable in variables_of(services):
        value = shown(variable.field, sources)
        yield EffectiveSetting(variable.name, value, sources.origin(variable.name), variable.services)


def _judge_shared(sources: Sources) -> Iterator[Finding]:
    """What all services read. A value that is wrong is told elsewhere; the others are judged beside its default."""
    shared = load_without_wrong(ServiceSettings, sources)
    yield from check_addresses(shared)
    yield from check_times(shared)


def _doors(
    services: Sequence[ServiceConfiguration], sources: Sources
) -> list[tuple[list[Finding], Callable[[], Question]]]:
    """What settings lead to: what is wrong with each address, and a question to ask there if nothing is."""
    doors: list[tuple[list[Finding], Callable[[], Question]]] = []
    redis_url = _text(ServiceSettings, "REDIS_URL", sources)
    doors.append((check_redis_url(redis_url), partial(check_redis, redis_url)))
    verifies = any(issubclass(service.settings, VerifierSettings) for service in services)
    if verifies and not sources.raw("JWT_SECRET"):
        doors.append(([], partial(check_jwks, _text(VerifierSettings, "CALLBOARD_JWKS_URL", sources))))
    for service in services:
        url = sources.raw(service.database.variable) if service.database else None
        if service.database is not None and url is not None:
            question = partial(check_database, service.name, service.database, url)
            doors.append((check_database_url(service.database, url), question))
    return doors


def _text(settings: type[ServiceSettings], variable: str, sources: Sources) -> str:
    given = sources.raw(variable)
    if given is not None:
        return given
    return next(str(field.default) for field in settings.model_fields.values() if field.alias == variable)


async def _ask(questions: Sequence[Callable[[], Question]]) -> list[Finding]:
    """All at once."""
    answers = await asyncio.gather(*(ask() for ask in questions))
    return [finding for answer in answers for finding in answer]
