"""The supply of a house without wires: its contract, its Linky, and what the gateway knows of both."""

import datetime as dt
from collections.abc import Container, Iterator, Mapping
from typing import Any

from quartier.site.records import Now
from quartier_drivers.readings import Readings
from quartier_hil.devices.fault import Kind
from quartier_hil.devices.meters.tic.stamp import PARIS
from quartier_hil.offline.assembled import Assembled
from quartier_hil.offline.controller import Controller
from quartier_hil.offline.speaking import Moment, SpokenLinky
from quartier_hil.scenario import Scenario
from quartier_hil.tariff import COLOURS, Standing, calendar

METER, DEVICE, SUPPLY = "tic", "linky_tic", "linky"
"""The Linky as scenarios, the site's devices and the site's supplies call it."""
UNKNOWN = -1.0
"""Value of a quantity that the gateway does not know."""
_FRESH_S = 30.0


class Supply:
    """Supply of a scenario's site: its Linky and its contract; empty without them."""

    def __init__(self, scenario: Scenario, site: Assembled, clock: Moment) -> None:
        house = scenario.house
        self.calendar = calendar(house.tariff, scenario.start)
        self._clock = clock
        driver = site.speaking.get(DEVICE)
        self._linky = None
        if driver is not None:
            self._linky = SpokenLinky(driver, clock, house, self.calendar, scenario.seed)
        periods_count = 0 if self.calendar is None else len(self.calendar.tariff.periods)
        self._counters = {
            place: f"{SUPPLY}.energy_import_t{place}_wh" for place in range(1, periods_count + 1)
        }

    def at(self, utc_ms: int) -> Standing | None:
        """Return the state of the contract at a moment; None where the scenario has no contract."""
        return None if self.calendar is None else self.calendar.at(_local(utc_ms))

    # -- the meter ----------------------------------------------------------------------------

    def turn(self, values: Mapping[str, float], now_s: float, utc_ms: int, now: Now) -> Iterator[Readings]:
        """Yield the readings of the Linky; ``utc_ms`` is the true time, ``now`` the gateway's time."""
        self._clock.ns, self._clock.utc = now.ns, now.utc_ms
        if self._linky is not None:
            yield from self._linky.turn(values, now_s, dt.datetime.fromtimestamp(utc_ms / 1_000, dt.UTC))

    def fault(self, kind: Kind, **args: Any) -> None:
        """Make the Linky misbehave."""
        if self._linky is not None:
            self._linky.fault(kind, **args)

    def clear(self) -> None:
        """End all faults."""
        if self._linky is not None:
            self._linky.clear()

    def power(self, *, on: bool, backed: Container[str]) -> None:
        """Switch the voltage of the site off or on."""
        if METER not in backed:
            self.clear() if on else self.fault("off")

    def hear(self, *, on: bool) -> None:
        """The gateway's process begins, or ends."""
        if self._linky is not None:
            self._linky.open() if on else self._linky.close()

    # -- what is known of it ------------------------------------------------------------------

    def values(self, utc_ms: int) -> dict[str, float]:
        """Return the state of the contract as points of ``contract``; the price in EUR per kWh."""
        standing = self.at(utc_ms)
        return {} if standing is None else standing.values

    def known(self, controller: Controller | None, view: Mapping[str, Any], now: Now) -> dict[str, float]:
        """Return the gateway's own values of supply and counters; ``UNKNOWN`` for an unknown value."""
        if controller is None or self.calendar is None or not view:
            return {}
        told = view["supplies"][SUPPLY]
        index = told["tariff_index"]
        frozen = controller.image.freeze(now.ns)
        counted = {point: frozen.number(point, _FRESH_S) for point in self._counters.values()}
        return {
            f"{SUPPLY}.tariff_index": UNKNOWN if index is None else float(index),
            f"{SUPPLY}.today_colour_state": _colour(told["today"]),
            f"{SUPPLY}.tomorrow_colour_state": _colour(told["tomorrow"]),
            **{point: UNKNOWN if value is None else value for point, value in counted.items()},
        }


def _colour(word: str) -> float:
    """A colour as meters number it; 0 where none is shown."""
    return float(COLOURS.get(word, 0))  # type: ignore[call-overload]  # any word


def _local(utc_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(utc_ms / 1_000, PARIS).replace(tzinfo=None)
