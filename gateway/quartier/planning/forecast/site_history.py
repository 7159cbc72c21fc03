"""The past of a site in means of equal steps, and which meter values may be learned (pure)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.planning.forecast.time_slots import SlotGrid

_FROZEN_H = 6
"""A mean that stayed the same to the last bit for so long is no measurement."""


_NEGATIVE_SHARE = -0.02
"""Share of the most that noise around zero may be below it."""


@dataclass(slots=True)
class ReadingCheck:
    """Watches one quantity in W between 0 and ``most_w``; ``stuck`` is the number of slots, 0: never.

    A load of exactly zero that goes on is a meter without a word; the sun's zeroes at night are none.
    """

    most_w: float
    hour: int
    last_w: float = math.nan
    same: float = 0.0

    def taken(self, value_w: float | None, *, is_dark: bool = False) -> float | None:
        """The value if it may be believed, not below 0; else None.  ``is_dark``: zero is as it should be."""
        if value_w is None or not math.isfinite(value_w):
            return None
        if not _NEGATIVE_SHARE * self.most_w <= value_w <= self.most_w:
            return None
        self.same = min(self.same + 1.0, 1e6) if value_w == self.last_w and not is_dark else 0.0
        self.last_w = value_w
        return None if self.same >= _FROZEN_H * self.hour else max(value_w, 0.0)


OptionalPower = float | None
_KNOWN_SHARE_MIN = 0.5
"""Share of a slot that must be known."""


Coordinates = tuple[float, float]
"""Degrees north and east."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """What the site file says of a building, and all that is known of it on its first day.

    ``zone`` is ``site.time_zone``; ``where`` ``site.latitude`` and ``site.longitude``, None where they are
    absent; ``contract_w`` the grid's ``contract_import_w``; ``pv_rated_w`` the sum of ``rated_w`` of its
    assets with the role pv, 0 without; ``apart`` are assets beside batteries, cars and PV that are no part of
    the load, for they are planned.
    """

    zone: str = "Europe/Paris"
    where: Coordinates | None = None
    contract_w: float = 9_000.0
    pv_rated_w: float = 0.0
    slot_s: int = 3_600
    apart: tuple[str, ...] = ()

    @property
    def load_max_w(self) -> float:
        """More than this is no load, but a jump of a counter: twice the contract and all of the sun."""
        return 2.0 * self.contract_w + self.pv_rated_w

    @property
    def load_mean_w(self) -> float:
        """The default's mean: 6 % of the contract, 4.7 MWh a year at 9 kVA."""
        return 0.06 * self.contract_w


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerHistory:
    """Means of steps of ``step_s`` from ``start_utc_s`` on, in W; None or NaN where nobody knows.

    ``load_w`` is what the building takes without its storage and its cars, ``generated_w`` what its sun
    gives, both plus.  Empty: nothing is known.
    """

    start_utc_s: float
    step_s: float
    load_w: Sequence[OptionalPower]
    generated_w: Sequence[OptionalPower] = ()

    def iterate_slots(self, grid: SlotGrid) -> Iterator[tuple[int, OptionalPower, OptionalPower]]:
        """Each whole slot of it with both means; None where less than half is known."""
        count = max(len(self.load_w), len(self.generated_w))
        first = math.ceil(self.start_utc_s / grid.slot_s)
        end = math.floor((self.start_utc_s + count * self.step_s) / grid.slot_s)
        for slot in range(first, end):
            begin = (slot * grid.slot_s - self.start_utc_s) / self.step_s
            until = begin + grid.slot_s / self.step_s
            yield slot, _find_mean(self.load_w, begin, until), _find_mean(self.generated_w, begin, until)


def _find_mean(values: Sequence[OptionalPower], begin: float, until: float) -> OptionalPower:
    """The mean between two places, each value weighted by how much of it lies there."""
    total = known = 0.0
    for at in range(int(begin), min(math.ceil(until), len(values))):
        value, share = values[at], min(until, at + 1.0) - max(begin, float(at))
        if value is not None and math.isfinite(value) and share > 0.0:
            total += share * value
            known += share
    return total / known if known >= _KNOWN_SHARE_MIN * (until - begin) else None
