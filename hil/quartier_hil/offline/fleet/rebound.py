"""Whether the district's rebound after each common release stays under the level before it (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from quartier_hil.offline.fleet.day import Mark, Record
from quartier_hil.offline.fleet.events import RESTART_S, Event
from quartier_hil.offline.fleet.stock import Floats

BEFORE_S, AFTER_S, MEAN_S = 900, 3600, 60


@dataclass(frozen=True, slots=True)
class Rebound:
    """One hold on the whole district, and its release; seconds of the day, means over a minute in W.

    ``before_w`` is the most in the quarter of an hour before the hold, ``during_w`` the most while it lasted
    (its first two minutes left out: what must tighten may take its time; of a shorter one the minute that
    ends with it), ``after_w`` the most in the hour after the release, at ``after_at``.
    """

    why: str
    held_at: int
    released_at: int
    before_w: float
    during_w: float
    after_w: float
    after_at: int

    @property
    def holds(self) -> bool:
        """The promise: no more after the release than before the hold."""
        return self.after_w <= self.before_w


def rebounds(record: Record, events: Sequence[Event], first: int) -> list[Rebound]:
    """Each hold that ended inside the record, whose first second is ``first`` of the day."""
    means_w = _means(record.total_w)
    found = []
    for why, held_at, released_at in sorted(_holds(record.marks, events), key=lambda one: one[1]):
        one = _judged(means_w, why, held_at - first, released_at - first)
        if one is not None:
            found.append(one)
    return [_moved(one, first) for one in found]


def _means(total_w: Floats) -> Floats:
    """By second, the mean of the minute that ends with it."""
    sums = np.concatenate(([0.0], np.cumsum(total_w)))
    means: Floats = np.full(len(total_w), np.nan)
    if len(total_w) >= MEAN_S:
        means[MEAN_S - 1 :] = (sums[MEAN_S:] - sums[:-MEAN_S]) / MEAN_S
    return means


def _holds(marks: Sequence[Mark], events: Sequence[Event]) -> Iterator[tuple[str, int, int]]:
    """From the second in which less than the whole contract was allowed, to the one in which more was."""
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
            yield f"{share:g} of each contract, then {mark.share:g} ({mark.mode})", held_at, mark.second
            held_at = None if mark.share >= 1.0 else held_at
        share = mark.share


def _judged(means_w: Floats, why: str, held_at: int, released_at: int) -> Rebound | None:
    before = means_w[max(held_at - BEFORE_S, 0) : held_at]
    during = means_w[min(held_at + 2 * MEAN_S, released_at - 1) : released_at]
    after = means_w[released_at : released_at + AFTER_S]
    if not len(before) or not len(after) or np.isnan(before).all():
        return None
    most = int(np.argmax(after))
    return Rebound(
        why,
        held_at,
        released_at,
        float(np.nanmax(before)),
        float(during.max()),
        float(after[most]),
        released_at + most,
    )


def _moved(one: Rebound, first: int) -> Rebound:
    return Rebound(
        one.why,
        one.held_at + first,
        one.released_at + first,
        one.before_w,
        one.during_w,
        one.after_w,
        one.after_at + first,
    )
