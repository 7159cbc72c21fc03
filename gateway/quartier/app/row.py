"""One row of the ledger while it may still change: what is asked further, what became known, how it ended."""

from collections.abc import Mapping
from dataclasses import replace

from quartier.house.entry import End, Entry, Verdict
from quartier_drivers.contract import Command
from quartier_drivers.who import Who

# What a device may be told every cycle for one reason: it is one order that follows, not many.
_TROUBLE = frozenset({"refused", "unknown", "expired"})
_FOLLOWED = ("_w", "_a", "_var")


class Row:
    """``entry`` is how it stands; ``command`` the last one made for it (None: given back, or found so).

    ``begun_ns``: when this start began it, None for what an earlier one left; ``asked_ns``: when it was asked
    last, ``known_ns``: since when its outcome is known: whatever the wall clock shows.
    """

    __slots__ = ("asked_ns", "begun_ns", "command", "entry", "has_moved", "known_ns", "told", "told_ns")

    def __init__(self, entry: Entry, command: Command | None = None) -> None:
        self.entry = entry
        self.command = command
        self.begun_ns: int | None = None
        self.asked_ns = self.known_ns = 0
        self.has_moved = False
        self.told: tuple[Verdict, End] | None = None  # outcome and end as the store has them
        self.told_ns = 0

    def takes(self, command: Command) -> bool:
        """Whether a command is the same order again, or the same following something."""
        entry = self.entry
        # A row of an older version has no code: then the text tells.
        differs = entry.cause != command.cause if entry.cause else entry.why != command.reason
        if differs or entry.who != command.who or entry.value is None:
            return False
        return entry.value == command.value or follows(entry.point)

    def asked(self, command: Command, utc_ms: int, expires_ms: int) -> None:
        """The same order once more; it stands again if it had ended."""
        entry, value = self.entry, command.value
        assert entry.low is not None
        assert entry.high is not None
        self.asked_again(utc_ms)
        if value != entry.value:
            self.has_moved = True
            entry.value, entry.low, entry.high = value, min(value, entry.low), max(value, entry.high)
        entry.expires_ms, entry.until_ms = expires_ms, command.until_utc_ms
        self.command = command

    def is_given_back(self, who: Who, cause: Mapping[str, object]) -> bool:
        """Whether it stands for an output that ``who`` gave back to its device, for the same reason."""
        entry = self.entry
        return self.command is None and entry.stands and entry.who == who and entry.cause == cause

    def asked_again(self, utc_ms: int) -> None:
        """The same once more; it stands again if it had ended."""
        entry = self.entry
        if entry.outcome != "pending":  # else it is counted when it is known
            self.judged_before(entry.outcome)
        entry.last_ms = utc_ms
        entry.count += 1
        entry.outcome, entry.known_ms, entry.note = "pending", None, ""
        entry.end, entry.end_ms = "", None

    def judged(self, verdict: Verdict, utc_ms: int, note: str, shown: float | None = None) -> None:
        """What became of the last command."""
        entry = self.entry
        entry.outcome, entry.known_ms, entry.note = verdict, utc_ms, note
        if shown is not None:
            entry.shown = shown
        if verdict in _TROUBLE:
            entry.fault = note

    def judged_before(self, verdict: Verdict) -> None:
        """What became of an earlier command."""
        fates = self.entry.fates
        fates[verdict] = fates.get(verdict, 0) + 1

    def wrote(self) -> None:
        """One more went out."""
        self.entry.writes += 1

    def ended(self, how: End, utc_ms: int) -> None:
        """It no longer stands."""
        self.entry.end, self.entry.end_ms = how, utc_ms

    def copied(self) -> Entry:
        """How it stands now, for who keeps it."""
        return replace(self.entry, fates=dict(self.entry.fates))

    def is_told(self, now_ns: int) -> None:
        """The store has it as it stands."""
        self.told = self.entry.outcome, self.entry.end
        self.told_ns, self.has_moved = now_ns, False


def follows(point: str) -> bool:
    """Whether what is asked of a point may move all the time: a power, a current; no switch, no mode."""
    return point.endswith(_FOLLOWED)
