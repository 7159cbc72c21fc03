"""Everything that a Linky holds at one moment: counters, status word, tariff, clock.

Source: Enedis-NOI-CPT_54E version 3, section 6.1.2: H winter, E summer, the small letter when the meter
has
lost the network's time, then YYMMDDhhmmss.

Source: Enedis-NOI-CPT_54E version 3, section 6.2.3.14 (STGE, 32 bits, bit 0 lowest) and 6.2.3.17 (RELAIS,
bit 0 the dry contact, 1 to 7 the virtual relays).

Source: Enedis-NOI-CPT_54E version 3, sections 6.1.1 and 6.2.2 (historique: OPTARIF, PTEC and the index
labels of each option), 6.2.3 (standard: NGTF, LTARF, NTARF).  Hours are those of a usual contract: low
tariff from 22 to 6, EJP's peak from 7 to 1; Tempo and EJP know the day's colour from outside.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A moment as the meter prints it, and as ISO 8601 with the offset of its season."""

    text: str
    iso: str

    @property
    def season(self) -> str:
        """Its letter."""
        return self.text[0]


def make_stamp(moment: dt.datetime, *, degraded: bool = False) -> Stamp:
    """Print an aware ``moment``."""
    # Two moments of a clock put back are equal but in UTC.
    return _format_stamp(moment.astimezone(dt.UTC), degraded)


@lru_cache(maxsize=256)
def _format_stamp(moment: dt.datetime, degraded: bool) -> Stamp:  # noqa: FBT001 - of one caller
    local = moment.astimezone(PARIS).replace(microsecond=0)
    summer = bool(local.dst())
    season = "E" if summer else "H"
    return Stamp((season.lower() if degraded else season) + f"{local:%y%m%d%H%M%S}", local.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkyStatus:
    """Fields of STGE.  ``supply`` and ``distribution`` are the indexes in force, 1..10 and 1..4."""

    contact_open: bool = False
    breaker: int = 0
    cover_open: bool = False
    over_voltage: bool = False
    over_power: bool = False
    producer: bool = False
    exporting: bool = False
    supply: int = 1
    distribution: int = 1
    clock_degraded: bool = False
    standard: bool = True
    euridis: int = 3
    plc: int = 1
    plc_synchronous: bool = False
    today: int = 0
    tomorrow: int = 0
    peak_notice: int = 0
    peak: int = 0

    @property
    def word(self) -> int:
        """The 32 bits."""
        fields = (
            (0, self.contact_open),
            (1, self.breaker),
            (4, self.cover_open),
            (6, self.over_voltage),
            (7, self.over_power),
            (8, self.producer),
            (9, self.exporting),
            (10, self.supply - 1),
            (14, self.distribution - 1),
            (16, self.clock_degraded),
            (17, self.standard),
            (19, self.euridis),
            (21, self.plc),
            (23, self.plc_synchronous),
            (24, self.today),
            (26, self.tomorrow),
            (28, self.peak_notice),
            (30, self.peak),
        )
        return sum(int(value) << place for place, value in fields)

    @property
    def text(self) -> str:
        """As in the group STGE."""
        return f"{self.word:08X}"


def format_relays(closed: Iterable[int]) -> str:
    """The group RELAIS of the relays that are closed: 0 the dry contact, 1..7 the virtual ones."""
    return f"{sum(1 << place for place in set(closed)):03d}"


TariffName = Literal["base", "hc", "ejp", "tempo"]


@dataclass(frozen=True, slots=True)
class TariffPeriod:
    """One of a tariff's periods: its place among the indexes (from 1) and its names in both modes."""

    index: int
    ptec: str
    counter: str
    ltarf: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """``optarif`` in historique, ``ngtf`` in standard."""

    optarif: str
    ngtf: str
    periods: tuple[TariffPeriod, ...]

    def period(self, local: dt.datetime, colour: int = 1) -> TariffPeriod:
        """The one in force at ``local`` legal time; ``colour`` of the day: 1 blue, 2 white, 3 red.

        For EJP red is a day of mobile peak.
        """
        high = 6 <= local.hour < 22
        match len(self.periods):
            case 1:
                return self.periods[0]
            case 2 if self.optarif == "EJP.":
                return self.periods[colour == 3 and (local.hour >= 7 or local.hour < 1)]
            case 2:
                return self.periods[high]
            case _:
                return self.periods[2 * (colour - 1) + high]


TARIFFS: Mapping[TariffName, Tariff] = {
    "base": Tariff("BASE", "BASE", (TariffPeriod(1, "TH..", "BASE", "BASE"),)),
    "hc": Tariff(
        "HC..",
        "H PLEINE/CREUSE",
        (TariffPeriod(1, "HC..", "HCHC", "HEURE  CREUSE"), TariffPeriod(2, "HP..", "HCHP", "HEURE  PLEINE")),
    ),
    "ejp": Tariff(
        "EJP.",
        "EJP",
        (
            TariffPeriod(1, "HN..", "EJPHN", "HEURE NORMALE"),
            TariffPeriod(2, "PM..", "EJPHPM", "POINTE MOBILE"),
        ),
    ),
    "tempo": Tariff(
        "BBR(",
        "TEMPO",
        (
            TariffPeriod(1, "HCJB", "BBRHCJB", "HC BLEU"),
            TariffPeriod(2, "HPJB", "BBRHPJB", "HP BLEU"),
            TariffPeriod(3, "HCJW", "BBRHCJW", "HC BLANC"),
            TariffPeriod(4, "HPJW", "BBRHPJW", "HP BLANC"),
            TariffPeriod(5, "HCJR", "BBRHCJR", "HC ROUGE"),
            TariffPeriod(6, "HPJR", "BBRHPJR", "HP ROUGE"),
        ),
    ),
}
TOMORROW_COLOURS = ("----", "BLEU", "BLAN", "ROUG")


SUPPLY_INDEXES, DISTRIBUTION_INDEXES = 10, 4


@dataclass(frozen=True, slots=True)
class DatedValue:
    """A largest value, and when it was."""

    value: int
    moment: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkyState:
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
    tariff_name: TariffName = "base"
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
    maxima: tuple[DatedValue, ...] = ()
    last_maxima: tuple[DatedValue, ...] = ()
    injected_maxima: tuple[DatedValue, ...] = ()
    curve: tuple[DatedValue, ...] = ()
    injected_curve: tuple[DatedValue, ...] = ()
    peak_days: tuple[tuple[DatedValue, DatedValue], ...] = ()
    current_max_a: tuple[int, ...] = (0,)
    status: LinkyStatus = field(default_factory=LinkyStatus)
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
    def period(self) -> TariffPeriod:
        """Period with the index that counts now."""
        return self.tariff.periods[self.status.supply - 1]

    @property
    def total_drawn_va(self) -> int:
        """Apparent power drawn, all phases."""
        return sum(self.drawn_va)

    @property
    def contract_a(self) -> int:
        """Current of the contract on each phase: 200 V count (Enedis-NOI-CPT_54E, ISOUSC)."""
        return self.reference_kva * 5 // self.phases
