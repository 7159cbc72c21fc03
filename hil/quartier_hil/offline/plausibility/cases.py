"""The matrix of meter faults: each fault by day and night, under each limit, in each link state (pure).

A case is a scenario of some twenty minutes in which a car arrives after the fault, so that the limit would be
exceeded if the gateway believed the meter.  ``link`` is the state in which the fault begins.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, get_args

from quartier_hil.house import GridMeter
from quartier_hil.scenario import Scenario

Limits = Literal["contract", "district"]
Link = Literal["INIT", "CONTROLLED", "HOLD", "FAILSAFE", "AUTONOMOUS"]
LINKS: tuple[Link, ...] = get_args(Link)
LIMITS: tuple[Limits, ...] = get_args(Limits)
GRID_METERS: tuple[GridMeter, ...] = get_args(GridMeter)

FAULTS: Mapping[str, Mapping[str, Any]] = {
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
UNSEEN = frozenset({"none", "phases-swapped"})
"""Faults that nothing in this building shows: its assets load the phases evenly, and the sum is right."""
WARM_S = 60.0
"""The rig runs a building for so long before second 0; the gateway is in INIT for the first two minutes."""
FAULT_S, WATCHED_S, CAR_S = 600.0, 900.0, 60.0
CONTRACT_W = (12_000.0, 4_000.0)
DISTRICT_W = (5_000.0, 1_000.0)
FAILSAFE_W = (6_000.0, 2_000.0)
AUTONOMOUS_SHARE = 0.8
BATTERY_BAND_PCT = (9.5, 95.5)


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix; ``grid_meter`` and ``unlisted_w`` are keys of the rig's house.

    ``unlisted_w`` is what the site file says of generation that it does not list; None: nothing.
    """

    fault: str
    sun: bool
    limits: Limits
    link: Link
    grid_meter: GridMeter = "usual"
    unlisted_w: float | None = None

    @property
    def name(self) -> str:
        """Its name, as ``gain-0.6/night/contract/HOLD``."""
        light = "day" if self.sun else "night"
        meter = "" if self.grid_meter == "usual" else f"/{self.grid_meter}"
        unlisted = "" if self.unlisted_w is None else f"/unlisted-{self.unlisted_w:g}"
        return f"{self.fault}/{light}/{self.limits}/{self.link}{meter}{unlisted}"

    @property
    def is_seen(self) -> bool:
        """Return whether this building must name the meter in an alarm.

        A meter of a minute shows each step among all that happened in that minute, and one without a sign
        shows no direction: of these only what stands still must be found out.
        """
        if self.grid_meter in ("minute", "linky"):
            return "frozen" in self.fault
        return self.fault not in UNSEEN

    @property
    def meter(self) -> str:
        """The device that is the connection meter, as faults call it."""
        return "tic" if self.grid_meter == "linky" else "meter"

    @property
    def fault_s(self) -> float:
        """Start of the fault, s; in INIT it is in force before the gateway starts."""
        return -WARM_S if self.link == "INIT" else FAULT_S

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
            events.append({"at_s": self.fault_s, "do": "fault", "device": self.meter, **FAULTS[self.fault]})
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


def all_cases(
    faults: Sequence[str] = tuple(FAULTS),
    links: Sequence[Link] = LINKS,
    grid_meters: Sequence[GridMeter] = ("usual",),
    unlisted_w: float | None = None,
) -> Iterator[Case]:
    """Yield every cell of the matrix for these faults, link states and meters."""
    for fault, sun, limits, link, grid_meter in product(faults, (False, True), LIMITS, links, grid_meters):
        yield Case(fault, sun, limits, link, grid_meter, unlisted_w)


def draw(count: int, seed: int, cases: Sequence[Case] = ()) -> list[Case]:
    """Return ``count`` different cells of ``cases`` (none: of the whole matrix), by a seed."""
    rng = random.Random(seed)  # noqa: S311 - cells that can be drawn again, no secret
    return rng.sample(cases or list(all_cases()), count)
