"""What a point shows although nobody here ordered it: its device's timer acted, or somebody else (pure)."""

from dataclasses import dataclass

from quartier.house.entry import End, Entry
from quartier.house.image import Frozen
from quartier.runtime.mailbox import tolerance
from quartier_drivers.contract import PointInfo
from quartier_drivers.who import Who

TIMER, STRANGER = Who("device", "its timer"), Who("stranger")
# As control sees an order ignored (control/orders.py): a point that is a little off is not another order.
_SHARE, _ROOM = 0.02, {"w": 50.0, "a": 0.5}
# A timer counts from the write, we from the order: its last part is not waited for.
_TIMER_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Found:
    """What a point shows, who is behind it, in words, and how the order that stood there ended."""

    value: float
    who: Who
    why: str
    end: End


def found(entry: Entry, info: PointInfo, frozen: Frozen, asked_ns: int, known_ns: int) -> Found | None:
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
    if timer is not None and not timer.holds and untold_s >= _TIMER_SHARE * timer.after_s:
        falls_to = timer.value
        if falls_to is None or _is_near(value, falls_to, info):
            why = f"its own timer acted: it was not told anything for {untold_s:.0f} s"
            return Found(value, TIMER, why, "reverted")
    return Found(
        value, STRANGER, "nobody here ordered it: somebody else did, or it began anew", "overwritten"
    )


def _is_near(value: float, wanted: float, info: PointInfo) -> bool:
    room = _ROOM.get(info.point.rsplit("_", 1)[-1], 0.0)
    return abs(value - wanted) <= max(1.5 * tolerance(info), room, _SHARE * abs(wanted))
