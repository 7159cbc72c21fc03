"""History of a site in means of equal steps, and which meter values may be learned (pure)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.planning.forecast.time_slots import SlotGrid

_FROZEN_H = 6
"""A mean that stays identical to the last bit for this many hours is not a measurement."""


_NEGATIVE_SHARE = -0.02
"""Noise around zero may be this far below it, as a share of the largest value."""


@dataclass(slots=True)
class ReadingCheck:
    """Check of one quantity in W between 0 and ``most_w``; ``hour`` is the number of slots of an hour.

    A constant load of exactly zero is a silent meter. Zeros of PV at night are no fault.
    """

    most_w: float
    hour: int
    last_w: float = math.nan
    same: float = 0.0

    def filter_value(self, value_w: float | None, *, is_dark: bool = False) -> float | None:
        """Return the value, at least 0, if plausible; else None. ``is_dark``: a constant zero is correct."""
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
"""Latitude and longitude in degrees north and east."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFacts:
    """Facts of a building from the site file; all that is known of it on its first day.

    ``zone`` is ``site.time_zone``. ``where`` is ``site.latitude`` and ``site.longitude``, None where they are
    absent. ``contract_w`` is the ``contract_import_w`` of the grid. ``pv_rated_w`` is the sum of ``rated_w``
    of the assets with the role pv, 0 without. ``apart`` names assets other than batteries, cars and PV that
    are not part of the load because they are planned.
    """

    zone: str = "Europe/Paris"
    where: Coordinates | None = None
    contract_w: float = 9_000.0
    pv_rated_w: float = 0.0
    slot_s: int = 3_600
    apart: tuple[str, ...] = ()

    @property
    def load_max_w(self) -> float:
        """Return the largest plausible load in W: twice the contract plus all PV; more is a counter jump."""
        return 2.0 * self.contract_w + self.pv_rated_w

    @property
    def load_mean_w(self) -> float:
        """Return the default mean load in W: 6 % of the contract, 4.7 MWh a year at 9 kVA."""
        return 0.06 * self.contract_w


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerHistory:
    """Means of steps of ``step_s`` from ``start_utc_s`` on, in W; None or NaN where unknown.

    ``load_w`` is the consumption of the building without its storage and its cars, ``generated_w`` the PV
    generation; both are positive. Empty sequences mean that nothing is known.
    """

    start_utc_s: float
    step_s: float
    load_w: Sequence[OptionalPower]
    generated_w: Sequence[OptionalPower] = ()

    def iterate_slots(self, grid: SlotGrid) -> Iterator[tuple[int, OptionalPower, OptionalPower]]:
        """Yield each whole slot with both means; None where less than half is known."""
        count = max(len(self.load_w), len(self.generated_w))
        first = math.ceil(self.start_utc_s / grid.slot_s)
        end = math.floor((self.start_utc_s + count * self.step_s) / grid.slot_s)
        for slot in range(first, end):
            begin = (slot * grid.slot_s - self.start_utc_s) / self.step_s
            until = begin + grid.slot_s / self.step_s
            yield slot, _find_mean(self.load_w, begin, until), _find_mean(self.generated_w, begin, until)


def _find_mean(values: Sequence[OptionalPower], begin: float, until: float) -> OptionalPower:
    """Return the mean between two positions, each value weighted by its share of the interval."""
    total = known = 0.0
    for at in range(int(begin), min(math.ceil(until), len(values))):
        value, share = values[at], min(until, at + 1.0) - max(begin, float(at))
        if value is not None and math.isfinite(value) and share > 0.0:
            total += share * value
            known += share
    return total / known if known >= _KNOWN_SHARE_MIN * (until - begin) else None
