"""One row of the ledger while it may still change: what is asked further, what became known, how it ended."""

from collections.abc import Mapping
from dataclasses import replace

from quartier.house.entry import End, Entry, Verdict
from quartier_drivers.contract import Command

# What a device may be told every cycle for one reason: it is one order that follows, not many.
_TROUBLE = frozenset({"refused", "unknown", "expired"})
_FOLLOWED = ("_w", "_a", "_var")


class Row:
    """``entry`` is how it stands; ``command`` the last one made for it (None: given back, or found so)."""

    __slots__ = ("command", "entry", "has_moved", "told", "told_ns")

    def __init__(self, entry: Entry, command: Command | None = None) -> None:
        self.entry = entry
        self.command = command
        self.has_moved = False
        self.told: Entry | None = None  # as the store has it
        self.told_ns = 0

    def takes(self, command: Command) -> bool:
        """Whether a command is the same order again, or the same following something."""
        entry = self.entry
        if entry.why != command.reason or entry.who != command.who or entry.value is None:
            return False
        return entry.value == command.value or follows(entry.point)

    def asked(self, command: Command, utc_ms: int, expires_ms: int) -> None:
        """The same order once more; it stands again if it had ended."""
        entry, value = self.entry, command.value
        fates = entry.fates
        if entry.outcome != "pending":  # else it is counted when it is known
            fates = counted(fates, entry.outcome)
        self.has_moved = self.has_moved or value != entry.value
        assert entry.low is not None
        assert entry.high is not None
        self.entry = replace(
            entry,
            last_ms=utc_ms,
            count=entry.count + 1,
            value=value,
            low=min(value, entry.low),
            high=max(value, entry.high),
            expires_ms=expires_ms,
            until_ms=command.until_utc_ms,
            outcome="pending",
            known_ms=None,
            note="",
            fates=fates,
            end="",
            end_ms=None,
        )
        self.command = command

    def judged(self, verdict: Verdict, utc_ms: int, note: str, shown: float | None = None) -> None:
        """What became of the last command."""
        self.entry = replace(
            self.entry,
            outcome=verdict,
            known_ms=utc_ms,
            note=note,
            fault=note if verdict in _TROUBLE else self.entry.fault,
            shown=self.entry.shown if shown is None else shown,
        )

    def judged_before(self, verdict: Verdict) -> None:
        """What became of an earlier command."""
        self.entry = replace(self.entry, fates=counted(self.entry.fates, verdict))

    def wrote(self) -> None:
        """One more went out."""
        self.entry = replace(self.entry, writes=self.entry.writes + 1)

    def ended(self, how: End, utc_ms: int) -> None:
        """It no longer stands."""
        self.entry = replace(self.entry, end=how, end_ms=utc_ms)

    def is_told(self, now_ns: int) -> None:
        """The store has it as it stands."""
        self.told, self.told_ns, self.has_moved = self.entry, now_ns, False


def follows(point: str) -> bool:
    """Whether what is asked of a point may move all the time: a power, a current; no switch, no mode."""
    return point.endswith(_FOLLOWED)


def counted(fates: Mapping[str, int], verdict: Verdict) -> dict[str, int]:
    """One more that ended so."""
    return {**fates, verdict: fates.get(verdict, 0) + 1}
