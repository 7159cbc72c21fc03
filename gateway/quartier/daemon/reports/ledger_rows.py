"""One row of the write ledger while it may still change; drift of a point from its order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier.runtime.bus.mailbox import find_tolerance
from quartier.site.ledger import LedgerEntry, OrderEnd, OrderOutcome
from quartier.site.process_image import FrozenImage
from quartier_drivers.contract import Command, PointInfo
from quartier_drivers.who import Who

DEVICE_TIMER_WHO, STRANGER_WHO = Who("device", "its timer"), Who("stranger")
# As control sees an order ignored (control/orders/book.py): a point that is a little off is not another
# order.
_TOLERANCE_SHARE, _TOLERANCES = 0.02, {"w": 50.0, "a": 0.5}
# A timer counts from the write, we from the order: its last part is not waited for.
_TIMER_EARLY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Drift:
    """What a point shows, who is behind it, in words, and how the order that stood there ended."""

    value: float
    who: Who
    why: str
    end: OrderEnd


def find_drift(
    entry: LedgerEntry, info: PointInfo, frozen: FrozenImage, asked_ns: int, known_ns: int
) -> Drift | None:
    """What stands at the point of an order that was read back as done; None while that is what was ordered.

    Only a reading taken after the order was seen to be done (``known_ns``) counts; it was last told at
    ``asked_ns``.
    """
    if entry.outcome != "done" or entry.value is None or entry.shown is None or entry.known_ms is None:
        return None
    seen = frozen.good(entry.point)
    if seen is None:
        return None
    value, taken_ns = seen
    if taken_ns <= known_ns + info.settle_s * 1e9 or _is_near(value, entry.value, info):
        return None
    untold_s = (taken_ns - asked_ns) / 1e9
    timer = info.fallback
    if timer is not None and not timer.holds and untold_s >= _TIMER_EARLY_SHARE * timer.after_s:
        falls_to = timer.value
        if falls_to is None or _is_near(value, falls_to, info):
            why = f"its own timer acted: it was not told anything for {untold_s:.0f} s"
            return Drift(value, DEVICE_TIMER_WHO, why, "reverted")
    return Drift(
        value, STRANGER_WHO, "nobody here ordered it: somebody else did, or it began anew", "overwritten"
    )


def _is_near(value: float, wanted: float, info: PointInfo) -> bool:
    room = _TOLERANCES.get(info.point.rsplit("_", 1)[-1], 0.0)
    return abs(value - wanted) <= max(1.5 * find_tolerance(info), room, _TOLERANCE_SHARE * abs(wanted))


# What a device may be told every cycle for one reason: it is one order that follows, not many.
_FAULT_VERDICTS = frozenset({"refused", "unknown", "expired"})
_CONTINUOUS_ENDINGS = ("_w", "_a", "_var")


class LedgerRow:
    """``entry`` is how it stands; ``command`` the last one made for it (None: given back, or found so).

    ``begun_ns``: when this start began it, None for what an earlier one left; ``asked_ns``: when it was asked
    last, ``known_ns``: since when its outcome is known: whatever the wall clock shows.
    """

    __slots__ = ("asked_ns", "begun_ns", "command", "entry", "has_moved", "known_ns", "told", "told_ns")

    def __init__(self, entry: LedgerEntry, command: Command | None = None) -> None:
        self.entry = entry
        self.command = command
        self.begun_ns: int | None = None
        self.asked_ns = self.known_ns = 0
        self.has_moved = False
        self.told: tuple[OrderOutcome, OrderEnd] | None = None  # outcome and end as the store has them
        self.told_ns = 0

    def takes(self, command: Command) -> bool:
        """Return whether a command is the same order again, or the same following something."""
        entry = self.entry
        # A row of an older version has no code: then the text tells.
        differs = entry.cause != command.cause if entry.cause else entry.why != command.reason
        if differs or entry.who != command.who or entry.value is None:
            return False
        return entry.value == command.value or is_continuous(entry.point)

    def asked(self, command: Command, utc_ms: int, expires_ms: int) -> None:
        """The same order once more; it stands again if it had ended."""
        entry, value = self.entry, command.value
        assert entry.low is not None
        assert entry.high is not None
        self.note_repeat(utc_ms)
        if value != entry.value:
            self.has_moved = True
            entry.value, entry.low, entry.high = value, min(value, entry.low), max(value, entry.high)
        entry.expires_ms, entry.until_ms = expires_ms, command.until_utc_ms
        self.command = command

    def is_given_back(self, who: Who, cause: Mapping[str, object]) -> bool:
        """Whether it stands for an output that ``who`` gave back to its device, for the same reason."""
        entry = self.entry
        return self.command is None and entry.stands and entry.who == who and entry.cause == cause

    def note_repeat(self, utc_ms: int) -> None:
        """The same once more; it stands again if it had ended."""
        entry = self.entry
        if entry.outcome != "pending":  # else it is counted when it is known
            self.count_outcome(entry.outcome)
        entry.last_ms = utc_ms
        entry.count += 1
        entry.outcome, entry.known_ms, entry.note = "pending", None, ""
        entry.end, entry.end_ms = "", None

    def judged(self, verdict: OrderOutcome, utc_ms: int, note: str, shown: float | None = None) -> None:
        """What became of the last command."""
        entry = self.entry
        entry.outcome, entry.known_ms, entry.note = verdict, utc_ms, note
        if shown is not None:
            entry.shown = shown
        if verdict in _FAULT_VERDICTS:
            entry.fault = note

    def count_outcome(self, verdict: OrderOutcome) -> None:
        """What became of an earlier command."""
        fates = self.entry.fates
        fates[verdict] = fates.get(verdict, 0) + 1

    def wrote(self) -> None:
        """One more went out."""
        self.entry.writes += 1

    def ended(self, how: OrderEnd, utc_ms: int) -> None:
        """It no longer stands."""
        self.entry.end, self.entry.end_ms = how, utc_ms

    def copy_entry(self) -> LedgerEntry:
        """Return how it stands now, for who keeps it."""
        return replace(self.entry, fates=dict(self.entry.fates))

    def note_saved(self, now_ns: int) -> None:
        """The store has it as it stands."""
        self.told = self.entry.outcome, self.entry.end
        self.told_ns, self.has_moved = now_ns, False


def is_continuous(point: str) -> bool:
    """Whether what is asked of a point may move all the time: a power, a current; no switch, no mode."""
    return point.endswith(_CONTINUOUS_ENDINGS)
