"""What a Wh that is given up counts, so that the least is given up first."""

import math
from typing import NamedTuple

from quartier.planning.site import Site

_STEP = 5.0
_LOSSES_MAX = 3.0
_SPARE = 2.0
_WHOLE = 1e4


class Ladder(NamedTuple):
    """Prices in highest prices of the horizon: of a Wh that is missing to a battery's target, below a tank's
    band in a step, of a car's energy, and beyond a cap.
    """

    target: float
    comfort: float
    car: float
    caps: float
    whole: float = 1.0
    """How much more a cap counts where whole amperes and starts are chosen."""

    @property
    def rungs(self) -> tuple[tuple[str, float], ...]:
        """Name and price of each, what is given up first first."""
        return (("target", self.target), ("comfort", self.comfort), ("car", self.car), ("caps", self.caps))

    @property
    def is_strict(self) -> bool:
        """Whether nothing of a lower rung makes up for a higher one."""
        return self.whole > 1.0


PLAIN = Ladder(_STEP, _STEP**2, _STEP**3, _STEP**4)
"""Enough where nothing has to be given up: no Wh costs so much that one of these would be left for money."""


def strict(site: Site, price: float) -> Ladder:
    """Prices at which no lower rung makes up for a higher one, where ``price`` is the highest of the horizon.

    A Wh in a store costs at most what efficiencies make of the highest price, wear and the worth of what
    else it could be.  A Wh below the band in one step frees what had to be heated for it, with the losses
    until then.  A Wh of a car heats for all steps in which the tank keeps it; a Wh beyond a cap does all of
    these.  With whole amperes and starts a small breach of a cap can free many Wh: it counts ``whole`` times
    there.
    """
    hours, count = site.outlook.step_h, site.outlook.count
    target = _STEP
    for battery in site.batteries.values():
        worth = 2.0 * battery.wear_eur_per_wh + abs(battery.worth_eur_per_wh)
        target = max(target, _STEP * (1.0 / battery.charge_efficiency + worth / price))
    lasting, losses, heats = 1.0, 1.0, 1.0
    for tank in site.tanks.values():
        constant = tank.time_constant_h
        lasting = max(lasting, tank.heat_per_wh * min(count, 1.0 / -math.expm1(-hours / constant)))
        losses = max(losses, math.exp(min(_LOSSES_MAX, hours * count / constant)) / tank.heat_per_wh)
        heats = max(heats, tank.heat_per_wh * abs(tank.worth_eur_per_wh) / price)
    target = max(target, _STEP * heats)
    comfort = target * max(_STEP, _SPARE * losses)
    least = min((car.efficiency for car in site.cars.values()), default=1.0)
    car_price = comfort * max(_STEP, _SPARE * lasting / least)
    return Ladder(target, comfort, car_price, car_price * _STEP, _WHOLE)
