"""Keep one row of the write ledger while it may still change; find drift of a point from its order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from quartier.runtime.bus.mailbox import find_tolerance
from quartier.site.ledger import LedgerEntry, OrderEnd, OrderOutcome
from quartier.site.process_image import FrozenImage
from quartier_drivers.contract import Command, Origin, PointInfo

DEVICE_TIMER_WHO, STRANGER_WHO = Origin("device", "its timer"), Origin("stranger")
# As control sees that an order is ignored (control/orders/book.py): a small deviation of a point is not
# another order.
_TOLERANCE_SHARE, _TOLERANCES = 0.02, {"w": 50.0, "a": 0.5}
# A timer counts from the write, the ledger from the order, so its last part is not waited for.
_TIMER_EARLY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Drift:
    """The value that a point shows, who caused it, why in words, and how the earlier order ended."""

    value: float
    who: Origin
    why: str
    end: OrderEnd


def find_drift(
    entry: LedgerEntry, info: PointInfo, frozen: FrozenImage, asked_ns: int, known_ns: int
) -> Drift | None:
    """Return the drift of a point from an order that was read back as done; None while it shows the order.

    Only a reading taken after the order was known to be done (``known_ns``) counts.  ``asked_ns`` is when the
    value was last ordered.
    """
    if entry.outcome != "done" or entry.value is None or entry.shown is None or entry.known_ms is None:
        return None
    seen = frozen.good(entry.point)
    if seen is None:
        return None
    value, taken_ns = seen
    if taken_ns <= known_ns + info.settle_s * 1e9 or _is_near(value, entry.value, info):
        return None
    unwritten_s = (taken_ns - asked_ns) / 1e9
    timer = info.fallback
    if timer is not None and not timer.holds and unwritten_s >= _TIMER_EARLY_SHARE * timer.after_s:
        falls_to = timer.value
        if falls_to is None or _is_near(value, falls_to, info):
            why = f"its own timer acted: nothing was written for {unwritten_s:.0f} s"
            return Drift(value, DEVICE_TIMER_WHO, why, "reverted")
    return Drift(
        value,
        STRANGER_WHO,
        "not ordered by the gateway: another controller wrote it, or the device restarted",
        "overwritten",
    )


def _is_near(value: float, wanted: float, info: PointInfo) -> bool:
    room = _TOLERANCES.get(info.point.rsplit("_", 1)[-1], 0.0)
    return abs(value - wanted) <= max(1.5 * find_tolerance(info), room, _TOLERANCE_SHARE * abs(wanted))


# A power or current may get a new value in every cycle for one reason: that is one order that follows, not
# many.
_FAULT_VERDICTS = frozenset({"refused", "unknown", "expired"})
_CONTINUOUS_ENDINGS = ("_w", "_a", "_var")


class LedgerRow:
    """A row that may still change: ``entry`` is its present state, ``command`` the last command for it.

    ``command`` is None if the point was given back or found that way.  ``begun_ns`` is when this run began
    the row, None for a row of an earlier run.  ``order_ns`` is when it was last ordered, ``known_ns`` since
    when its outcome is known.  All are monotonic, whatever the wall clock shows.
    """

    __slots__ = (
        "begun_ns",
        "command",
        "entry",
        "has_new_value",
        "known_ns",
        "order_ns",
        "save_ns",
        "saved_status",
    )

    def __init__(self, entry: LedgerEntry, command: Command | None = None) -> None:
        self.entry = entry
        self.command = command
        self.begun_ns: int | None = None
        self.order_ns = self.known_ns = 0
        self.has_new_value = False
        self.saved_status: tuple[OrderOutcome, OrderEnd] | None = (
            None  # outcome and end as the store has them
        )
        self.save_ns = 0

    def takes(self, command: Command) -> bool:
        """Return whether a command repeats this order, or only moves its value (a power or a current)."""
        entry = self.entry
        # A row of an older version has no code: then the text is compared.
        differs = entry.cause != command.cause if entry.cause else entry.why != command.reason
        if differs or entry.who != command.who or entry.value is None:
            return False
        return entry.value == command.value or is_continuous(entry.point)

    def repeat_order(self, command: Command, utc_ms: int, expires_ms: int) -> None:
        """Note the same order once more; if the row had ended, it is in force again."""
        entry, value = self.entry, command.value
        assert entry.low is not None
        assert entry.high is not None
        self.note_repeat(utc_ms)
        if value != entry.value:
            self.has_new_value = True
            entry.value, entry.low, entry.high = value, min(value, entry.low), max(value, entry.high)
        entry.expires_ms, entry.until_ms = expires_ms, command.until_utc_ms
        self.command = command

    def is_given_back(self, who: Origin, cause: Mapping[str, object]) -> bool:
        """Return whether this row is an output that ``who`` gave back to its device for the same reason."""
        entry = self.entry
        return self.command is None and entry.is_in_force and entry.who == who and entry.cause == cause

    def note_repeat(self, utc_ms: int) -> None:
        """Note one more repeat; if the row had ended, it is in force again."""
        entry = self.entry
        if entry.outcome != "pending":  # otherwise it is counted once it is known
            self.count_outcome(entry.outcome)
        entry.last_ms = utc_ms
        entry.count += 1
        entry.outcome, entry.known_ms, entry.note = "pending", None, ""
        entry.end, entry.end_ms = "", None

    def set_outcome(self, verdict: OrderOutcome, utc_ms: int, note: str, shown: float | None = None) -> None:
        """Record the outcome of the last command."""
        entry = self.entry
        entry.outcome, entry.known_ms, entry.note = verdict, utc_ms, note
        if shown is not None:
            entry.shown = shown
        if verdict in _FAULT_VERDICTS:
            entry.fault = note

    def count_outcome(self, verdict: OrderOutcome) -> None:
        """Count the outcome of an earlier command."""
        fates = self.entry.fates
        fates[verdict] = fates.get(verdict, 0) + 1

    def count_write(self) -> None:
        """Count one more write."""
        self.entry.writes += 1

    def set_end(self, how: OrderEnd, utc_ms: int) -> None:
        """Record that the order is no longer in force."""
        self.entry.end, self.entry.end_ms = how, utc_ms

    def copy_entry(self) -> LedgerEntry:
        """Return a copy of the present entry, for storage."""
        return replace(self.entry, fates=dict(self.entry.fates))

    def note_saved(self, now_ns: int) -> None:
        """Note that the store has the row in its present state."""
        self.saved_status = self.entry.outcome, self.entry.end
        self.save_ns, self.has_new_value = now_ns, False


def is_continuous(point: str) -> bool:
    """Return whether a point may get a new value all the time: power or current, but no switch or mode."""
    return point.endswith(_CONTINUOUS_ENDINGS)
