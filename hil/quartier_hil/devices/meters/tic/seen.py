"""Everything that a Linky holds at one moment, in its own units."""

import datetime as dt
from dataclasses import dataclass, field

from quartier_hil.devices.meters.tic.status import Status
from quartier_hil.devices.meters.tic.tariff import TARIFFS, Name, Period, Tariff

SUPPLY_INDEXES, DISTRIBUTION_INDEXES = 10, 4


@dataclass(frozen=True, slots=True)
class Peak:
    """A largest value, and when it was."""

    value: int
    moment: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Counters in Wh and varh, V, A, VA, W; per phase a tuple of one or three.

    ``maxima`` and ``last_maxima`` are drawn apparent power of today and yesterday: the total, then
    each phase when there are three.  ``colour`` and ``tomorrow``: 0 none, 1 blue, 2 white, 3 red.
    ``notice_min`` is EJP's warning in minutes.  ``over_a`` is the current above the contract, per
    phase, 0 where there is none.
    """

    moment: dt.datetime
    degraded: bool = False
    address: str = "041976000001"
    prm: str = "01400000000001"
    phases: int = 1
    producer: bool = False
    tariff_name: Name = "base"
    reference_kva: int = 9
    cutoff_kva: int = 9
    supply_wh: tuple[int, ...] = (0,) * SUPPLY_INDEXES
    distribution_wh: tuple[int, ...] = (0,) * DISTRIBUTION_INDEXES
    injected_wh: int = 0
    reactive_varh: tuple[int, ...] = (0, 0, 0, 0)
    current_a: tuple[int, ...] = (0,)
    voltage_v: tuple[int, ...] = (230,)
    mean_voltage_v: tuple[int, ...] = (230,)
    drawn_va: tuple[int, ...] = (0,)
    injected_va: int = 0
    maxima: tuple[Peak, ...] = ()
    last_maxima: tuple[Peak, ...] = ()
    injected_maxima: tuple[Peak, ...] = ()
    curve: tuple[Peak, ...] = ()
    injected_curve: tuple[Peak, ...] = ()
    peak_days: tuple[tuple[Peak, Peak], ...] = ()
    current_max_a: tuple[int, ...] = (0,)
    status: Status = field(default_factory=Status)
    colour: int = 1
    tomorrow: int = 0
    notice_min: int = 0
    over_a: tuple[int, ...] = (0,)
    relays: frozenset[int] = frozenset()
    message: str = ""
    short_message: str = ""
    day: int = 0
    tomorrow_day: int = 0

    @property
    def tariff(self) -> Tariff:
        """Names and periods of the contract."""
        return TARIFFS[self.tariff_name]

    @property
    def period(self) -> Period:
        """Period with the index that counts now."""
        return self.tariff.periods[self.status.supply - 1]

    @property
    def drawn_total_va(self) -> int:
        """Apparent power drawn, all phases."""
        return sum(self.drawn_va)

    @property
    def contract_a(self) -> int:
        """Current of the contract on each phase: 200 V count (Enedis-NOI-CPT_54E, ISOUSC)."""
        return self.reference_kva * 5 // self.phases
