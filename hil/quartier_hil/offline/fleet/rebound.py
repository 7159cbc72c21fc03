"""Check that the district, after each common release, stays below the level that it may reach (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quartier_hil.offline.fleet.day import Mark, Record
from quartier_hil.offline.fleet.easing import BEFORE_S, MEAN_S, levels, means
from quartier_hil.offline.fleet.events import RESTART_S, Event

AFTER_S = 12 * 3600
"""Rooms that were left cold ask for more until long after."""
TAKES_S = 2 * MEAN_S
"""What must tighten may take its time, and a mean of a minute is of what was before it too."""
TOLERANCE = 0.01
"""What a meter of class 1 can tell; two days of one fleet differ by a part of it, hours after a restart."""
Hold = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Rebound:
    """One hold on the whole district, and its release; seconds of the day, means over a minute in W.

    ``before_w`` is the most in the quarter of an hour before the hold, ``during_w`` the most while it lasted
    (its first ``TAKES_S`` left out; of a shorter one the minute that ends with it); of what came after its
    release they are left out too.  ``after_w`` is what was taken at ``after_at``, the minute that came
    closest to its level or went furthest beyond, ``level_w`` that level (``easing.levels``), ``plain_w``
    what the same day would have taken then without any event.
    """

    why: str
    held_at: int
    released_at: int
    before_w: float
    during_w: float
    after_w: float
    after_at: int
    level_w: float
    plain_w: float

    @property
    def holds(self) -> bool:
        """The promise: no peak that is the hold's."""
        return self.after_w <= (1.0 + TOLERANCE) * self.level_w


def rebounds(record: Record, plain: Record, events: Sequence[Event], first: int) -> list[Rebound]:
    """Each hold that ended inside the record, whose first second is ``first`` of the day.

    ``plain`` is the same day without events.  A release is judged until something else happens to all,
    for twelve hours at most.
    """
    holds = sorted(_holds(record.marks, events), key=lambda one: one[1:])
    turns = {at for _, *both in holds for at in both}
    last = first + len(record.total_w)
    found = []
    for hold in holds:
        end = min({at for at in turns if at > hold[2]} | {last, hold[2] + AFTER_S})
        one = _judged(record, plain, hold, first, end)
        if one is not None:
            found.append(one)
    return found


def _holds(marks: Sequence[Mark], events: Sequence[Event]) -> Iterator[Hold]:
    """From the second in which less than the whole contract was allowed, to the one in which more was."""
    outages = [one for one in events if one.kind == "outage"]
    for one in events:
        if one.kind == "restart":
            yield one.words, one.at_s, one.at_s + RESTART_S
        elif one.kind == "outage":
            yield one.words, one.at_s, one.until_s
    held_at, share = None, 1.0
    for mark in marks:
        if held_at is None and mark.share < share:
            held_at = mark.second
        elif held_at is not None and mark.share > share:
            if not any(one.at_s <= held_at <= one.until_s for one in outages):
                yield f"{share:g} of each contract, then {mark.share:g} ({mark.mode})", held_at, mark.second
            held_at = None if mark.share >= 1.0 else held_at
        share = mark.share


def _judged(record: Record, plain: Record, hold: Hold, first: int, end: int) -> Rebound | None:
    (why, held_at, released_at), total_w = hold, means(record.total_w)
    held, released = held_at - first, released_at - first
    before = total_w[max(held - BEFORE_S, 0) : held]
    during = total_w[min(held + TAKES_S, released - 1) : released]
    begun = released + TAKES_S
    after = total_w[begun : end - first]
    if not len(before) or not len(after) or np.isnan(before).all():
        return None
    before_w, plain_w = float(np.nanmax(before)), means(plain.total_w)
    level = levels(plain_w, before_w)
    most = begun + int(np.nanargmax(after / level[begun : end - first]))
    return Rebound(
        why,
        held_at,
        released_at,
        before_w,
        float(during.max()),
        float(total_w[most]),
        most + first,
        float(level[most]),
        float(plain_w[most]),
    )
