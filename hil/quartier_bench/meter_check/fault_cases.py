"""The matrix of meter faults and the true excess of each case: by day and night, limit and link state
(pure).

A case is a scenario of some twenty minutes in which a car arrives after the fault, so that the limit would
be
exceeded if the gateway believed the meter.  ``link`` is the state in which the fault begins.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal, get_args

from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import GridMeterKind

LimitSource = Literal["contract", "district"]
LinkStateName = Literal["INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS"]
LINK_STATES: tuple[LinkStateName, ...] = get_args(LinkStateName)
LIMIT_SOURCES: tuple[LimitSource, ...] = get_args(LimitSource)
GRID_METERS: tuple[GridMeterKind, ...] = get_args(GridMeterKind)

METER_FAULTS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "frozen": {"kind": "stuck"},
    "frozen-0": {"kind": "stuck", "value": 0.0},
    "frozen-500": {"kind": "stuck", "value": 500.0},
    "frozen-3000": {"kind": "stuck", "value": 3_000.0},
    "frozen-export-2000": {"kind": "stuck", "value": -2_000.0},
    "power-frozen-500": {"kind": "stuck", "value": 500.0, "points": "power_w"},
    "power-frozen": {"kind": "stuck", "points": "power_w"},
    "reversed": {"kind": "clamps", "factor": -1.0},
    "reversed-l1": {"kind": "clamps", "factor": -1.0, "phases": (1,)},
    "gain-0.3": {"kind": "clamps", "factor": 0.3},
    "gain-0.6": {"kind": "clamps", "factor": 0.6},
    "gain-1.5": {"kind": "clamps", "factor": 1.5},
    "phases-swapped": {"kind": "swapped", "what": "phases"},
    "clamps-swapped": {"kind": "swapped", "what": "clamps"},
    "dead-l2": {"kind": "clamps", "factor": 0.0, "phases": (2,)},
    "another-building": {"kind": "foreign"},
}
UNDETECTABLE_FAULTS = frozenset({"none", "phases-swapped"})
"""Faults that nothing in this building shows: its assets load the phases evenly, and the sum is right."""
WARM_UP_S = 60.0
"""The rig runs a building for so long before second 0; the gateway is in INIT for the first two minutes."""
FAULT_S, WATCHED_S, CAR_S = 600.0, 900.0, 60.0
CONTRACT_W = (12_000.0, 4_000.0)
DISTRICT_W = (5_000.0, 1_000.0)
FAILSAFE_W = (6_000.0, 2_000.0)
AUTONOMOUS_SHARE = 0.8
BATTERY_BAND_PCT = (9.5, 95.5)


@dataclass(frozen=True, slots=True)
class MeterFaultCase:
    """One cell of the matrix; ``grid_meter`` and ``unlisted_w`` are keys of the rig's house.

    ``unlisted_w`` is what the site file says of generation that it does not list; None: nothing.
    """

    fault: str
    sun: bool
    limits: LimitSource
    link: LinkStateName
    grid_meter: GridMeterKind = "usual"
    unlisted_w: float | None = None

    @property
    def name(self) -> str:
        """Its name, as ``gain-0.6/night/contract/HOLD``."""
        light = "day" if self.sun else "night"
        meter = "" if self.grid_meter == "usual" else f"/{self.grid_meter}"
        unlisted = "" if self.unlisted_w is None else f"/unlisted-{self.unlisted_w:g}"
        return f"{self.fault}/{light}/{self.limits}/{self.link}{meter}{unlisted}"

    @property
    def is_detectable(self) -> bool:
        """Return whether this building must name the meter in an alarm.

        A meter of a minute shows each step among all that happened in that minute, and one without a sign
        shows no direction: of these only what stands still must be found out.
        """
        if self.grid_meter in ("minute", "linky"):
            return "frozen" in self.fault
        return self.fault not in UNDETECTABLE_FAULTS

    @property
    def meter(self) -> str:
        """The device that is the connection meter, as faults call it."""
        return "tic" if self.grid_meter == "linky" else "meter"

    @property
    def fault_s(self) -> float:
        """Start of the fault, s; in INIT it is in force before the gateway starts."""
        return -WARM_UP_S if self.link == "INIT" else FAULT_S

    @property
    def document_w(self) -> tuple[float, float]:
        """The limits of import and export of the document that the gateway holds, in W."""
        return DISTRICT_W if self.limits == "district" else CONTRACT_W

    @property
    def is_unheard(self) -> bool:
        """Return whether the district sends a document and no heartbeat from the start."""
        return self.link in ("INIT", "AUTONOMOUS")

    def limits_w(self, mode: str) -> tuple[float, float]:
        """The largest import and export in W that the gateway may allow in a link state."""
        import_w, export_w = self.document_w
        match mode:
            case "INIT" | "FAILSAFE":
                return min(import_w, FAILSAFE_W[0]), min(export_w, FAILSAFE_W[1])
            case "AUTONOMOUS":
                return min(import_w, AUTONOMOUS_SHARE * CONTRACT_W[0]), export_w
        return import_w, export_w

    def make_scenario(self) -> Scenario:
        """Return the scenario, with the fault among its events but in INIT, where it is there before."""
        from_s = max(self.fault_s, 0.0)
        events: list[dict[str, Any]] = [
            {
                "at_s": 0,
                "do": "caps",
                "import_max_w": self.document_w[0],
                "export_max_w": self.document_w[1],
                "for_s": FAULT_S + WATCHED_S + 3_600.0,
                "on_loss": "hold" if self.link == "HOLD" else "failsafe",
            }
        ]
        if self.link in ("HOLD", "FAILSAFE"):
            events.append({"at_s": 30, "do": "heartbeat", "on": False})
        if self.fault != "none" and self.fault_s >= 0.0:
            events.append(
                {"at_s": self.fault_s, "do": "fault", "device": self.meter, **METER_FAULTS[self.fault]}
            )
        car_s = from_s + (5.0 if self.sun else 1.0) * CAR_S
        events.append({"at_s": car_s, "do": "plug", "need_wh": 30_000})
        return Scenario.model_validate(
            {
                "title": self.name,
                "story": "One cell of the matrix of meter faults.",
                "start": "2026-06-12T12:30:00" if self.sun else "2026-01-15T22:30:00",
                "duration_s": from_s + WATCHED_S,
                "house": {
                    "pv": "sunspec-7xx",
                    "pv_w": 8_000,
                    "soc_pct": 60,
                    "contract_import_w": CONTRACT_W[0],
                    "contract_export_w": CONTRACT_W[1],
                    "failsafe_import_w": FAILSAFE_W[0],
                    "failsafe_export_w": FAILSAFE_W[1],
                    "grid_meter": self.grid_meter,
                    "unlisted_generation_w": self.unlisted_w,
                    "meters": ["tic"] if self.grid_meter == "linky" else [],
                },
                "events": sorted(events, key=lambda event: float(event["at_s"])),
            }
        )


def iterate_cases(
    faults: Sequence[str] = tuple(METER_FAULTS),
    links: Sequence[LinkStateName] = LINK_STATES,
    grid_meters: Sequence[GridMeterKind] = ("usual",),
    unlisted_w: float | None = None,
) -> Iterator[MeterFaultCase]:
    """Yield every cell of the matrix for these faults, link states and meters."""
    for fault, sun, limits, link, grid_meter in product(
        faults, (False, True), LIMIT_SOURCES, links, grid_meters
    ):
        yield MeterFaultCase(fault, sun, limits, link, grid_meter, unlisted_w)


def draw_cases(count: int, seed: int, cases: Sequence[MeterFaultCase] = ()) -> list[MeterFaultCase]:
    """Return ``count`` different cells of ``cases`` (none: of the whole matrix), by a seed."""
    rng = random.Random(seed)  # noqa: S311 - cells that can be drawn again, no secret
    return rng.sample(cases or list(iterate_cases()), count)


BREACH_FACTOR = 1.1
"""spec/failsafe.md#breach: what is over the limit by more than this part is a breach."""
EVIDENCE_S, DETECTION_S, DETECTION_PERIODS, REACTION_S = 30.0, 30.0, 4.0, 30.0
"""Evidence is complete after so long, found so long after, and the limit reached so long after that."""
LATE_MAX_S = 5.0


@dataclass
class TrueExcess:
    """Counts the true excess after a fault.

    Where the fault was there from the start, loads that nothing else measures do not count as import.
    The gateway has ``EVIDENCE_S`` of excess, however they are spread, then the time to find the fault and to
    reach the limit; the seconds of excess after that are ``late_s``.
    """

    case: MeterFaultCase
    period_s: float = 1.0
    over_s: float = 0.0
    late_s: float = 0.0
    worst_w: float = 0.0
    late_worst_w: float = 0.0
    longest_s: float = 0.0
    due_s: float = float("inf")
    soc_pct: list[float] = field(default_factory=lambda: [100.0, 0.0])
    overloaded_assets: set[str] = field(default_factory=set)
    _running_s: float = 0.0

    @property
    def patience_s(self) -> float:
        """Longest time from complete evidence to a kept limit, s."""
        return max(DETECTION_S, DETECTION_PERIODS * self.period_s) + REACTION_S

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float], mode: str) -> None:
        """Judge one step of the plant by its true values."""
        soc_pct = values["bat1.soc_pct"]
        self.soc_pct = [min(self.soc_pct[0], soc_pct), max(self.soc_pct[1], soc_pct)]
        self._rate(values)
        if now_s < self.case.fault_s:
            return
        import_w, export_w = self.case.limits_w(mode)
        grid_w = values["grid.power_w"]
        import_excess_w = grid_w - self._find_unknown_w(values) - BREACH_FACTOR * import_w
        over_w = max(import_excess_w, -grid_w - BREACH_FACTOR * export_w)
        if over_w <= 1.0:
            self._running_s = 0.0
            return
        self._running_s += dt_s
        self.over_s += dt_s
        self.longest_s = max(self.longest_s, self._running_s)
        self.worst_w = max(self.worst_w, over_w)
        if self.over_s >= EVIDENCE_S:
            self.due_s = min(self.due_s, now_s + self.patience_s)
        if now_s > self.due_s:
            self.late_s += dt_s
            self.late_worst_w = max(self.late_worst_w, over_w)

    def _find_unknown_w(self, values: Mapping[str, float]) -> float:
        """Return the import in W that no sound reading ever showed.

        With a meter that lies from the start, the gateway knows nothing of loads that nobody else measures.
        """
        return values["base.power_w"] if self.case.link == "INIT" and self.case.fault != "none" else 0.0

    def _rate(self, values: Mapping[str, float]) -> None:
        rated_w = {"bat1": 5_000.0, "ev1": 11_040.0, "pv1": 8_000.0, "hp1": 2_500.0}
        self.overloaded_assets |= {
            name for name, most_w in rated_w.items() if abs(values[f"{name}.power_w"]) > 1.02 * most_w
        }

    @property
    def faults(self) -> list[str]:
        """Broken promises, as text; empty if all hold."""
        found = []
        if self.late_s > LATE_MAX_S:
            found.append(
                f"limit exceeded for {self.late_s:g} s after it was due, by {self.late_worst_w:.0f} W"
            )
        if self.soc_pct[0] < BATTERY_BAND_PCT[0] or self.soc_pct[1] > BATTERY_BAND_PCT[1]:
            found.append(f"battery at {self.soc_pct[0]:.1f} to {self.soc_pct[1]:.1f} %")
        if self.overloaded_assets:
            found.append(f"beyond its rating: {', '.join(sorted(self.overloaded_assets))}")
        return found
