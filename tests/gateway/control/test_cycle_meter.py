"""The whole cycle with a connection meter that lies: the true import and export stay inside their limits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from tests.gateway.control import conftest
from tests.gateway.control.conftest import Plant
from tests.gateway.control.stepping import step_until

from quartier.control.observe import health
from quartier.control.observe.meter_check.judge import Verdict
from quartier.control.records import Override
from quartier.control.requests import Requests
from quartier.site.site_layout import Site
from quartier_drivers.contract import Origin

HOUSE = replace(conftest.HOUSE, unlisted_generation_w=800.0)
UNLISTED = replace(HOUSE, unlisted_generation_w=0.0)


@dataclass
class LyingPlant(Plant):
    """``lie`` makes of the true power what the meter shows; the load moves by some watts all the time."""

    house: Site = HOUSE
    lie: Callable[[float], float] = lambda watts: watts
    people: dict[str, Override] = field(default_factory=dict)

    def wishes(self) -> Requests:
        return replace(super().wishes(), overrides=self.people)

    def _read(self) -> dict[str, float]:
        seen = super()._read()
        if "grid.power_w" in seen:
            seen["grid.power_w"] = self.lie(seen["grid.power_w"] + 7.0 * (self.t * 31 % 5))
        return seen

    @property
    def verdict(self) -> str:
        return self.state.meter.verdict.name

    @property
    def codes(self) -> set[str]:
        return {alarm.code for alarm in self.view["alarms"]}


def frozen(watts: float) -> Callable[[float], float]:
    return lambda _: watts


def times(factor: float) -> Callable[[float], float]:
    return lambda watts: factor * watts


@pytest.mark.parametrize("shown_w", [-2_000.0, 0.0, 400.0, 2_500.0])
def test_import_limit_is_kept_by_what_is_measured_below_a_frozen_meter(shown_w):
    p = LyingPlant(house=UNLISTED, base_w=300, soc_pct=20, loads_w={"pump": 100}).run(120)
    p.lie = frozen(shown_w)
    p.ev_wants_w = 7_000
    p.cap(import_max_w=4_000).run(60)
    since = p.t
    p.run(200)

    assert p.verdict != "GOOD"
    assert p.codes & {"meter.suspect", "meter.implausible"}
    assert p.longest_over_s(4_000, since) == 0


@pytest.mark.parametrize(("base_w", "sun_w"), [(1_500, 0), (300, 3_000)])
def test_battery_behind_a_reversed_meter_stops_by_itself(base_w, sun_w):
    p = LyingPlant(base_w=base_w, sun_w=sun_w, soc_pct=50).run(120)
    p.lie = times(-1.0)
    p.base_w += 400
    p.run(60)
    since = p.t
    p.run(200)

    assert p.verdict == "IMPLAUSIBLE"
    assert "meter.implausible" in p.codes
    assert [0.0] == sorted({round(watts) for watts in (p.bat_w,)})
    assert p.view["grid"]["state"] == "implausible"
    assert p.longest_over_s(10_000, since) == 0
    assert p.longest_over_s(6_000, since, export=True) == 0
    cap = p.view["caps"]["import"]
    assert (5000, "fail-safe value, grid meter implausible") == (cap["max_w"], cap["whose"])
    (given,) = {alarm.cause for alarm in p.view["alarms"] if alarm.code == "output.given_back"}
    assert given == ("meter.implausible", "grid")


def test_battery_is_trusted_again_after_small_steps_that_the_meter_shows():
    p = LyingPlant(base_w=1_500, soc_pct=50, house=replace(HOUSE, unmeasured_w=1_000.0)).run(120)
    p.cap(import_max_w=9_000)
    p.lie = times(-1.0)
    p.base_w += 400
    step_until(p, lambda: p.verdict == "IMPLAUSIBLE", 200)

    p.lie = times(1.0)
    step_until(p, lambda: p.verdict == "GOOD", 800)
    assert p.view["grid"]["state"] == "good"


def test_worse_of_the_reading_and_the_estimate_counts_while_the_meter_is_implausible():
    p = LyingPlant(base_w=1_000, soc_pct=20, loads_w={"pump": 2_000, "heat": 1_000}).run(120)
    p.state = replace(
        p.state, meter=replace(p.state.meter, verdict=Verdict.IMPLAUSIBLE, contradicted_ns=p.t * 10**9)
    )
    p.lie = frozen(20_000.0)
    p.run(3)

    assert 0.0 == p.points["pump.relay_on"]


def test_what_a_suspect_meter_may_hide_is_no_reason_to_export_above_the_cap():
    p = LyingPlant(base_w=600, soc_pct=80).cap(import_max_w=5_000, export_max_w=0).run(120)
    meter = replace(
        p.state.meter, verdict=Verdict.SUSPECT, causes=(("frozen_power_l2_w", 1.0),), caused_ns=p.t * 10**9
    )
    p.state = replace(p.state, meter=meter, remainder_w=15_000.0)
    since = p.t
    p.run(50)

    assert "SUSPECT" == p.verdict
    assert 0 == p.longest_over_s(0, since, export=True)


def test_suspect_meter_freezes_increases_and_the_larger_import_counts():
    p = LyingPlant(base_w=300, soc_pct=50).run(120)
    p.lie = times(0.2)
    p.ev_wants_w = 7_000
    p.run(60)
    assert p.verdict == "SUSPECT"

    assert p.view["grid"]["state"] == "suspect"
    assert p.view["stage"] == "FREEZE"
    p.cap(import_max_w=5_500).run(40)
    assert p.grid_w <= 5_500 + 800 + 300
    assert health.STAGE_TEXTS["grid-meter-suspect"]


@pytest.mark.parametrize(("shown_hz", "is_kept"), [(50.0, True), (0.0, False)])
def test_a_frequency_that_no_grid_has_is_no_evidence_for_or_against_the_meter(monkeypatch, shown_hz, is_kept):
    truth = LyingPlant._read
    monkeypatch.setattr(LyingPlant, "_read", lambda p: truth(p) | {"grid.frequency_hz": shown_hz})
    p = LyingPlant(base_w=300).run(3)

    assert is_kept is ("frequency_hz" in p.state.meter.quantities.shown)


def test_a_wall_clock_that_was_stepped_is_an_alarm_that_names_it():
    p = LyingPlant(base_w=300)
    p.caps = replace(p.caps, clock="the wall clock was set by 3600 s")
    p.run(2)

    assert "clock.stepped" in p.codes


def lying_while_a_car_charges(factor: float) -> LyingPlant:
    """One step of the car for a tighter limit is the first that shows the meter's factor."""
    p = LyingPlant(base_w=4_000, soc_pct=60).cap(import_max_w=8_000).run(180)
    p.lie = times(factor)
    p.ev_wants_w = 7_000
    p.run(60)
    return p.cap(import_max_w=3_500)


def test_battery_settles_by_small_steps_that_the_meter_shows_too_much():
    p = lying_while_a_car_charges(1.5).run(60)

    assert p.verdict == "IMPLAUSIBLE"
    assert "meter.implausible" in p.codes


def test_import_limit_is_kept_against_what_too_low_a_factor_hides_after_one_small_step():
    p = lying_while_a_car_charges(0.6).run(60)
    since = p.t
    p.run(300)

    assert p.verdict == "SUSPECT"
    assert p.longest_over_s(3_500, since) == 0


def doubted(import_max_w: float, base_w: float = 1_000) -> LyingPlant:
    """A meter that is suspect of too low a factor, and sound."""
    p = LyingPlant(base_w=base_w, soc_pct=60).cap(import_max_w=import_max_w).run(120)
    since_ns = p.t * 10**9
    meter = replace(p.state.meter, verdict=Verdict.SUSPECT, causes=(("gain_low", 0.6),), caused_ns=since_ns)
    p.state = replace(p.state, meter=replace(meter, since_ns=since_ns, good_count=0))
    return p


def test_small_steps_go_around_the_last_order_and_say_so():
    p = doubted(import_max_w=8_000)
    held_w, since = p.points["bat1.setpoint_w"], p.t
    p.run(60)

    orders_w = [round(watts - held_w) for _, watts in p.written("bat1.setpoint_w", since)]
    assert [-400, 400] == sorted({*orders_w})
    assert {"a small step shows whether the grid meter is right"} == {
        command.reason for t, command in p.log if t >= since and command.point == "bat1.setpoint_w"
    }


@pytest.mark.parametrize(("import_max_w", "base_w"), [(2_000, 1_000), (8_000, 12_900)])
def test_small_steps_wait_where_they_are_too_small_or_the_limit_leaves_no_room(import_max_w, base_w):
    p = doubted(import_max_w, base_w).run(60)

    assert p.state.meter.checks(p.t * 10**9) is not None
    assert not [t for t, command in p.log if "small step" in command.reason]


def test_order_of_a_person_is_not_moved_by_small_steps():
    p = doubted(import_max_w=8_000)
    p.people = {"bat1": Override("bat1", 700.0, (p.t + 600) * 10**9, 0, Origin("person", "anna", "1001"))}
    since = p.t
    p.run(60)

    assert not [t for t, command in p.log if t >= since and "small step" in command.reason]
