"""Stored energy from step to step between bounds, as rows and columns of a linear program (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class ChainColumn(NamedTuple):
    """One unknown of a chain, at least 0.

    ``bus`` is the energy that a Wh of it takes from the bus. ``here`` and ``after`` are its coefficients in
    the chain's row of its step and of the next step.
    """

    step: int
    price: float
    most_wh: float
    bus: float
    here: float
    after: float


@dataclass(frozen=True, slots=True)
class EnergyChain:
    """Energy e from ``first`` on: e' = ``keep``·e + ``gain``·charge − ``out``·discharge − draw, in Wh.

    Charge and discharge are counted on the bus. ``lows``, ``highs``, ``draws`` and ``shorts_wh`` have one
    number per step. At the end of a step, e is at least its low, less at most its short; a missing Wh costs
    ``short_price``.
    """

    first: int
    energy_wh: float
    keep: float
    gain: float
    out: float
    charge_max_wh: float
    discharge_max_wh: float
    charge_price: float
    discharge_price: float
    draws_wh: Sequence[float]
    lows_wh: Sequence[float]
    highs_wh: Sequence[float]
    shorts_wh: Sequence[float]
    short_price: float
    worth_price: float
    charges_wh: Sequence[tuple[float, float]] = ()
    """Smallest and largest charge of each step, if they differ from 0 and ``charge_max_wh``."""

    def find_charge_range_wh(self, at: int) -> tuple[float, float]:
        """Return the smallest and largest charge in step number ``at`` of the chain."""
        return self.charges_wh[at] if self.charges_wh else (0.0, self.charge_max_wh)

    @property
    def count(self) -> int:
        """Return the number of steps."""
        return len(self.lows_wh)

    def columns(self) -> Iterator[ChainColumn]:
        """Yield the unknowns of each step.

        They are charge above its minimum, discharge, energy above the low, and shortfall below it.
        """
        last = self.count - 1
        for at in range(self.count):
            step = self.first + at
            least_wh, most_wh = self.find_charge_range_wh(at)
            if most_wh > least_wh:
                yield ChainColumn(step, self.charge_price, most_wh - least_wh, 1.0, -self.gain, 0.0)
            if self.discharge_max_wh > 0.0:
                yield ChainColumn(step, self.discharge_price, self.discharge_max_wh, -1.0, self.out, 0.0)
            keep = 0.0 if at == last else -self.keep
            worth = self.worth_price if at == last else 0.0
            yield ChainColumn(step, -worth, self.highs_wh[at] - self.lows_wh[at], 0.0, 1.0, keep)
            if self.shorts_wh[at] > 0.0:
                yield ChainColumn(step, self.short_price + worth, self.shorts_wh[at], 0.0, -1.0, -keep)

    def right(self, at: int) -> float:
        """Return the right-hand side of the row of step number ``at`` of the chain."""
        before_wh = self.energy_wh if at == 0 else self.lows_wh[at - 1]
        charged_wh = self.gain * self.find_charge_range_wh(at)[0]
        return self.keep * before_wh + charged_wh - self.draws_wh[at] - self.lows_wh[at]

    @property
    def constant_cost(self) -> float:
        """Return the cost that the rows leave out: value of the last low, and wear of the minimum charges."""
        least = sum(least_wh for least_wh, _ in self.charges_wh) * self.charge_price
        return least - self.worth_price * self.lows_wh[-1]

    def find_energies_wh(self, bus_wh: Sequence[float]) -> list[float]:
        """Return the energy at the end of each of its steps; ``bus_wh`` has one number per step."""
        energy_wh, made = self.energy_wh, []
        for wh, draw_wh in zip(bus_wh, self.draws_wh, strict=True):
            energy_wh = self.keep * energy_wh + wh * (self.gain if wh > 0.0 else self.out) - draw_wh
            made.append(energy_wh)
        return made

    def missing(self, bus_wh: Sequence[float]) -> list[float]:
        """Return the shortfall below the low of each step, at most as much as allowed."""
        return [
            min(short_wh, max(0.0, low_wh - energy_wh))
            for energy_wh, low_wh, short_wh in zip(
                self.find_energies_wh(bus_wh), self.lows_wh, self.shorts_wh, strict=True
            )
        ]

    def cost(self, bus_wh: Sequence[float]) -> float:
        """Return wear plus shortfall less the value of the energy left, in EUR."""
        wear = sum(wh * self.charge_price if wh > 0.0 else 0.0 - wh * self.discharge_price for wh in bus_wh)
        left_wh = self.find_energies_wh(bus_wh)[-1]
        return wear + self.short_price * sum(self.missing(bus_wh)) - self.worth_price * left_wh

    def lowest(self, duals: Sequence[float], prices: Sequence[float]) -> float:
        """Return a lower bound of the cost of any course, where a Wh on the bus costs ``prices``.

        It is the weak duality of linear programs, with any ``duals`` of the rows.
        """
        total = self.constant_cost + sum(dual * self.right(at) for at, dual in enumerate(duals))
        total += sum(least_wh * price for (least_wh, _), price in zip(self.charges_wh, prices, strict=False))
        for column in self.columns():
            at = column.step - self.first
            after = duals[at + 1] if at + 1 < self.count else 0.0
            reduced = column.price + column.bus * prices[at] - column.here * duals[at] - column.after * after
            total += column.most_wh * min(0.0, reduced)
        return total
