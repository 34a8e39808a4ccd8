"""When each job is due."""

from collections.abc import Sequence

from callboard_worker.running.jobs import Job


class Schedule:
    """One job at a time, the longest due first; each is due at once, then ``every`` after its last start.

    A run that takes longer than its interval makes the next one due at its end; missed turns are not made up for.
    """

    def __init__(self, jobs: Sequence[Job], now: float) -> None:
        """``now`` and all times here are seconds of one monotonic clock."""
        self._due = dict.fromkeys(jobs, now)

    def next(self) -> tuple[Job, float]:
        """The job whose turn is next, and when; of two due at the same time the one that stands first in the file."""
        return min(self._due.items(), key=lambda entry: entry[1])

    def started(self, job: Job, now: float) -> None:
        """The job has its turn now."""
        self._due[job] = now + job.every.total_seconds()
