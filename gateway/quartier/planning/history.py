"""What a forecast is made from: what is known of a building, and its past in means of equal steps (pure)."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from quartier.planning.clearsky import Coordinates
from quartier.planning.slots import Grid

Known = float | None
_ENOUGH = 0.5
"""Share of a slot that must be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
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
class History:
    """Means of steps of ``step_s`` from ``start_utc_s`` on, in W; None or NaN where nobody knows.

    ``load_w`` is what the building takes without its storage and its cars, ``generated_w`` what its sun
    gives, both plus.  Empty: nothing is known.
    """

    start_utc_s: float
    step_s: float
    load_w: Sequence[Known]
    generated_w: Sequence[Known] = ()

    def slots(self, grid: Grid) -> Iterator[tuple[int, Known, Known]]:
        """Each whole slot of it with both means; None where less than half is known."""
        count = max(len(self.load_w), len(self.generated_w))
        first = math.ceil(self.start_utc_s / grid.slot_s)
        end = math.floor((self.start_utc_s + count * self.step_s) / grid.slot_s)
        for slot in range(first, end):
            begin = (slot * grid.slot_s - self.start_utc_s) / self.step_s
            until = begin + grid.slot_s / self.step_s
            yield slot, _mean(self.load_w, begin, until), _mean(self.generated_w, begin, until)


def _mean(values: Sequence[Known], begin: float, until: float) -> Known:
    """The mean between two places, each value weighted by how much of it lies there."""
    total = known = 0.0
    for at in range(int(begin), min(math.ceil(until), len(values))):
        value, share = values[at], min(until, at + 1.0) - max(begin, float(at))
        if value is not None and math.isfinite(value) and share > 0.0:
            total += share * value
            known += share
    return total / known if known >= _ENOUGH * (until - begin) else None
