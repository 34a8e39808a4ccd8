"""Who is connected to this node, and what of it Redis has not been told yet."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from callboard_contracts.identity import Identity

from callboard_social.presence.entry import Scope, write_entry


class Written(Enum):
    """Whether Redis holds an entry; MAYBE when an answer was lost, or Redis may have lost its data."""

    NO = "no"
    MAYBE = "maybe"
    YES = "yes"


@dataclass(eq=False, slots=True)
class Stay:
    """One user in one scope on this node, with as many members as `count`."""

    entry: str
    count: int = 0
    written: Written = Written.NO
    left_cleanly: bool = True


@dataclass(frozen=True, slots=True)
class Update:
    """What changed in one scope: who came, who left, and who was dropped and may be back in a moment."""

    scope: Scope
    came: dict[str, Stay] = field(default_factory=dict)
    left: dict[str, Stay] = field(default_factory=dict)
    dropped: dict[str, Stay] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not (self.came or self.left or self.dropped)


class Attendance:
    """Counts members by user. Changes are gathered until they are taken; what evens out meanwhile is none."""

    def __init__(self, node: str) -> None:
        self._node = node
        self._stays: dict[Scope, dict[str, Stay]] = {}
        self._changed: dict[Scope, dict[str, None]] = {}

    @property
    def has_changes(self) -> bool:
        return bool(self._changed)

    def enter(self, scope: Scope, identity: Identity) -> None:
        stays = self._stays.setdefault(scope, {})
        stay = stays.get(identity.user_id)
        if stay is None:
            stay = stays[identity.user_id] = Stay(write_entry(self._node, identity))
        stay.count += 1
        if stay.count == 1:
            self._change(scope, identity.user_id)

    def leave(self, scope: Scope, identity: Identity, *, is_clean: bool) -> None:
        stay = self._stays[scope][identity.user_id]
        stay.count -= 1
        if stay.count == 0:
            stay.left_cleanly = is_clean
            self._change(scope, identity.user_id)

    def _change(self, scope: Scope, user_id: str) -> None:
        self._changed.setdefault(scope, {})[user_id] = None

    def take(self) -> list[Update]:
        """What Redis has to be told; to be followed by `settle`, or by `doubt` when that failed."""
        changed, self._changed = self._changed, {}
        updates = [self._update(scope, user_ids) for scope, user_ids in changed.items()]
        return [update for update in updates if not update.is_empty]

    def _update(self, scope: Scope, user_ids: dict[str, None]) -> Update:
        update = Update(scope)
        for user_id in user_ids:
            stay = self._stays[scope][user_id]
            if stay.count:
                if stay.written is Written.YES:
                    continue
                update.came[user_id] = stay
            elif stay.written is Written.NO:
                self._forget(scope, user_id)
                continue
            else:
                (update.left if stay.left_cleanly else update.dropped)[user_id] = stay
            stay.written = Written.MAYBE
        return update

    def settle(self, updates: Sequence[Update]) -> None:
        """Redis has been told; somebody may have come or left since they were taken."""
        for update in updates:
            for stay in update.came.values():
                stay.written = Written.YES
            for user_id, stay in (update.left | update.dropped).items():
                stay.written = Written.NO
                if user_id not in self._changed.get(update.scope, {}):
                    self._forget(update.scope, user_id)

    def _forget(self, scope: Scope, user_id: str) -> None:
        del self._stays[scope][user_id]
        if not self._stays[scope]:
            del self._stays[scope]

    def doubt(self) -> None:
        """Redis may know nothing of what it was told: all of it is to be told anew."""
        for scope, stays in self._stays.items():
            for user_id, stay in stays.items():
                if stay.written is Written.YES:
                    stay.written = Written.MAYBE
                self._change(scope, user_id)

    def here(self) -> Iterator[tuple[Scope, list[str]]]:
        """The entries of all that are here, by scope: what has to be renewed."""
        for scope, stays in self._stays.items():
            entries = [stay.entry for stay in stays.values() if stay.count]
            if entries:
                yield scope, entries

    def drop_all(self) -> None:
        """Whoever is here may be back in a moment, on another node."""
        for scope, stays in self._stays.items():
            for user_id, stay in stays.items():
                if stay.count:
                    stay.count, stay.left_cleanly = 0, False
                    self._change(scope, user_id)
