"""Days of measured homes with sound meters in the whole control cycle of the gateway, second by second."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from quartier_bench.home_years.year_records import Home
from quartier_bench.meter_check import sound_meters
from quartier_bench.meter_check.fault_cases import CONTRACT_W, FAILSAFE_W
from quartier_bench.meter_check.fault_matrix import IMPLAUSIBLE, SUSPECT
from quartier_bench.meter_check.second_loads import DAY_S, HOUR_S, SecondValues, make_day
from quartier_bench.meter_check.sound_meter_check import VerdictCounts
from quartier_bench.meter_check.sound_meters import BuildingVariant
from quartier_hil.checks.verdicts import RunData, Verdict
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.synthetic.scenario_run import RunOptions, SyntheticRun
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.plant.building_model import PlantInputs

WARM_WATER_C, HOT_WATER_C = 53.0, 85.0
SIMULATED_S = DAY_S - 120.0


@dataclass(frozen=True, kw_only=True)
class SecondSeries(LoadSeries):
    """The drive of one day, a value each second; ``answer``: what other batteries do, asked each second."""

    load_w: SecondValues
    sun_w_per_kw: SecondValues
    unlisted_w: SecondValues
    answer: Callable[[], float] = lambda: 0.0

    def at(self, day_s: float) -> PlantInputs:
        """Return the drive of a second; the day's last one is held."""
        second = min(max(int(day_s), 0), DAY_S - 1)
        other_w = self.answer()
        return PlantInputs(
            base_w=float(self.load_w[second]) + max(other_w, 0.0),
            solar_w_per_kw=float(self.sun_w_per_kw[second]),
            draw_w=250.0,
            unlisted_w=float(self.unlisted_w[second]) + max(-other_w, 0.0),
        )


@dataclass
class _OtherBattery:
    """A battery of another maker that brings the connection to zero, some seconds late."""

    most_w: float
    grid_w: Callable[[], float] = lambda: 0.0
    power_w: float = 0.0
    energy_wh: float = 0.5 * sound_meters.OTHER_CAPACITY_WH
    past_w: list[float] = field(default_factory=list)

    def answer(self) -> float:
        """Go on by a second; returns its power, plus takes."""
        self.past_w = [*self.past_w, self.grid_w()][-sound_meters.OTHER_DELAY_S :]
        seen_w = self.past_w[0]
        if self.most_w and abs(seen_w) > sound_meters.OTHER_DEADBAND_W:
            aim_w = min(max(self.power_w - 0.6 * seen_w, -self.most_w), self.most_w)
            if (aim_w > 0.0 and self.energy_wh >= sound_meters.OTHER_CAPACITY_WH) or (
                aim_w < 0.0 and self.energy_wh <= 0.0
            ):
                aim_w = 0.0
            self.power_w += min(
                max(aim_w - self.power_w, -sound_meters.OTHER_RAMP_W), sound_meters.OTHER_RAMP_W
            )
        self.energy_wh += self.power_w / HOUR_S
        return self.power_w


@dataclass
class _VerdictCounter:
    """A judge of the day that counts how long the meter is not believed."""

    day: SyntheticRun
    counts: VerdictCounts

    def step(self, now_s: float, dt_s: float, values: Mapping[str, float]) -> None:  # noqa: ARG002 - as asked
        standing = self.day.alarms.standing
        self.counts.seconds_count += 1
        self.counts.suspect_s += SUSPECT in standing
        self.counts.implausible_s += IMPLAUSIBLE in standing

    def verdict(self, _: RunData) -> Verdict:
        count = self.counts.count("implausible")
        return Verdict(
            "sound meter", "a sound meter is never called implausible", f"{count} times", count == 0
        )


def run_day(
    home: Home, variant: BuildingVariant, number: int, seed: int = 1, duration_s: float = SIMULATED_S
) -> VerdictCounts:
    """Let the whole gateway live day ``number`` of a home; return what it said of its meter."""
    with tempfile.TemporaryDirectory(prefix="quartier-home-") as folder:
        battery = _OtherBattery(variant.other_battery_w)
        day = SyntheticRun(
            RunOptions(
                scenario=make_scenario(home, variant, number, seed, duration_s),
                series=make_series(home, variant, number, seed, battery.answer),
                folder=Path(folder),
            )
        )
        battery.grid_w = lambda: day.plant.grid_w
        if variant.deadband_w:
            day.devices.fault("meter", "coarse", 0.0, value=variant.deadband_w)
        counts = VerdictCounts()
        day.checks.append(_VerdictCounter(day, counts))
        day.perform()
    for name, verdict in ((SUSPECT, "suspect"), (IMPLAUSIBLE, "implausible")):
        for at_s in day.alarms.spans.get(name, ()):
            words = "; ".join(text for then_s, text in day.alarms.found if then_s == at_s)
            counts.spans.append((at_s, verdict, words))
    return counts


def run_days(home: Home, variant: BuildingVariant, days: Sequence[int], seed: int = 1) -> VerdictCounts:
    """Let the gateway live several days, each from its own start; return the sum."""
    whole = VerdictCounts()
    for place, number in enumerate(days):
        one = run_day(home, variant, number, seed)
        whole.seconds_count += one.seconds_count
        whole.suspect_s += one.suspect_s
        whole.implausible_s += one.implausible_s
        whole.spans += [(at_s + place * DAY_S, verdict, causes) for at_s, verdict, causes in one.spans]
    return whole


def make_series(
    home: Home, variant: BuildingVariant, number: int, seed: int, answer: Callable[[], float] = lambda: 0.0
) -> SecondSeries:
    """Return the drive of one day: what is measured in the home, and what nobody listed."""
    day = make_day(home, number, seed, oven_share=variant.oven_share, cloud_share=variant.cloud_share)
    chp_w = sound_meters.draw_chp(variant.chp_w, np.random.default_rng([seed, number, 7]))
    rated_kw = home.pv_rated_kw or 1.0
    return SecondSeries(
        base_w=(0.0,),
        solar_w_per_kw=(0.0,),
        origin=f"{home.name}, day {number}, each second",
        load_w=day.load_w,
        sun_w_per_kw=day.generated_w / rated_kw,
        unlisted_w=variant.pv_share * day.generated_w + chp_w,
        answer=answer,
    )


def make_scenario(
    home: Home, variant: BuildingVariant, number: int, seed: int, duration_s: float = SIMULATED_S
) -> Scenario:
    """Return a day without any fault: a car in the evening or a full one, and a district that is heard."""
    needs_wh, from_s = sound_meters.draw_car(variant, np.random.default_rng([seed, number, 8]))
    events = [] if from_s > duration_s else [{"at_s": from_s, "do": "plug", "need_wh": needs_wh}]
    meters = {60: "minute", 1: "linky" if variant.is_apparent else "usual"}
    grid_meter = meters[variant.period_s]
    return Scenario.model_validate(
        {
            "title": f"{home.name}: {variant.words}",
            "start": "2026-06-12T00:00:00",
            "duration_s": duration_s,
            "house": {
                "pv_w": max(1_000.0 * home.pv_rated_kw, 1_000.0),
                "soc_pct": 50,
                "contract_import_w": CONTRACT_W[0],
                "contract_export_w": CONTRACT_W[1],
                "failsafe_import_w": FAILSAFE_W[0],
                "failsafe_export_w": FAILSAFE_W[1],
                "grid_meter": grid_meter,
                "meters": ["tic"] if grid_meter == "linky" else [],
                "tank_c": HOT_WATER_C if variant.open_thermostat else WARM_WATER_C,
            },
            "events": events,
        }
    )
