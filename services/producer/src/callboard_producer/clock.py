"""Time, as this service keeps it: UTC, in whole milliseconds, which is what crosses the wire."""

from collections.abc import Callable
from datetime import UTC, datetime

from callboard_producer.errors import TimeOutOfRange

Clock = Callable[[], datetime]


def in_utc(moment: datetime) -> datetime:
    """The moment in UTC, cut to milliseconds: a time that was read from us and posted again is the same.

    Raises:
        TimeOutOfRange: it leaves the years 1 to 9999 on its way to UTC.
    """
    try:
        utc = moment.astimezone(UTC)
    except OverflowError as error:
        raise TimeOutOfRange from error
    return utc.replace(microsecond=utc.microsecond // 1_000 * 1_000)


def utc_now() -> datetime:
    return in_utc(datetime.now(UTC))
