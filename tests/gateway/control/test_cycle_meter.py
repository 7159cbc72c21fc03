"""The whole cycle with a connection meter that lies: the true import and export stay inside their limits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from tests.gateway.control import conftest
from tests.gateway.control.conftest import Plant
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.control.observe import health
from quartier.control.observe.meter_check.judge import MeterVerdict
from quartier.control.records import Override
from quartier.control.requests import Requests
from quartier.site.asset_types import ChargePointAsset, Load, Pv
from quartier.site.site_layout import Node, Site
from quartier_drivers.contract import Origin

HOUSE = replace(conftest.HOUSE, unlisted_generation_w=800.0)
UNLISTED = replace(HOUSE, unlisted_generation_w=0.0)


@dataclass
class LyingPlant(Plant):
    """``lie`` makes of the true power what the meter shows; the load moves by some watts all the time."""

    house: Site = HOUSE
    lie: Callable[[float], float] = lambda watts: watts
    people: dict[str, Override] = field(default_factory=dict)

    def requests(self) -> Requests:
        return replace(super().requests(), overrides=self.people)

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
        p.state, meter=replace(p.state.meter, verdict=MeterVerdict.IMPLAUSIBLE, contradicted_ns=p.t * 10**9)
    )
    p.lie = frozen(20_000.0)
    p.run(3)

    assert 0.0 == p.points["pump.relay_on"]


def test_what_a_suspect_meter_may_hide_is_no_reason_to_export_above_the_cap():
    p = LyingPlant(base_w=600, soc_pct=80).cap(import_max_w=5_000, export_max_w=0).run(120)
    meter = replace(
        p.state.meter,
        verdict=MeterVerdict.SUSPECT,
        causes=(("frozen_power_l2_w", 1.0),),
        caused_ns=p.t * 10**9,
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

    assert is_kept is ("frequency_hz" in p.state.meter.quantities.histories)


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
    meter = replace(
        p.state.meter, verdict=MeterVerdict.SUSPECT, causes=(("gain_low", 0.6),), caused_ns=since_ns
    )
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


def loads(*names, node="shed", phase=None, tier="C", **more):
    return tuple(
        Load(name=n, rated_w=3000, tier=tier, switchable=True, node=node, phase=phase, min_on_s=0, **more)
        for n in names
    )


@pytest.fixture
def shed(board, house):
    """A building with one sub-board of 32 A and what hangs there; ``measured``: it has a meter."""

    def make(*assets, **node):
        sub = Node(**{"name": "shed", "fuse_a": 32.0, "unmeasured_w": 0.0, **node})
        limits = replace(house.limits, import_hard_w=60_000)
        return board(house=replace(house, assets=assets, nodes=(sub,), limits=limits)).cap(
            import_max_w=60_000
        )

    return make


def test_what_hangs_behind_a_fuse_is_shed_for_it_and_for_nothing_else(shed):
    p = shed(*loads("heat"), *loads("yard", node="grid"), power_max_w=4_000.0)
    p.base_w = {"grid": (3000, 3000, 3000)}
    p.loads_w = {"heat": 5_000, "yard": 9_000}
    p.run(20)

    assert 0.0 == p.points["heat.relay_on"]
    assert 1.0 == p.points["yard.relay_on"]
    assert "shed, 4000 W: shed, tier C" == p.reason("heat")


def test_a_phase_over_its_fuse_sheds_what_hangs_on_that_phase(shed):
    p = shed(*loads("one", phase="l1"), *loads("two", phase="l2"), measured=True)
    p.base_w = {"shed": (5_000, 1_000, 1_000)}
    p.loads_w = {"one": 3_000, "two": 3_000}
    p.run(20)

    assert (0.0, 1.0) == (p.points["one.relay_on"], p.points["two.relay_on"])
    assert "shed, fuse 32 A, L1: shed, tier C" == p.reason("one")
    assert max(p.longest_s.values()) <= 5


def test_one_of_unknown_phase_counts_wholly_on_each(shed):
    p = shed(*loads("one", "two", "three"))
    p.loads_w = {"one": 3_000, "two": 3_000, "three": 3_000}
    p.run(20)

    shed_ones = [name for name in ("one", "two", "three") if p.points[f"{name}.relay_on"] == 0.0]
    assert 1 == len(shed_ones), "two of 3 kW fit on one phase of 32 A, three do not"


def test_without_a_meter_or_a_word_all_that_nothing_measures_counts_at_the_node(shed):
    p = shed(*loads("heat", phase="l1"), unmeasured_w=None)
    p.base_w, p.loads_w = {"grid": (2_000, 2_000, 2_000)}, {"heat": 2_000}
    p.run(20)
    assert "shed, fuse 32 A, L1: shed, tier C" == p.reason("heat")

    said = shed(*loads("heat", phase="l1"), unmeasured_w=1_000.0)
    said.base_w, said.loads_w = {"grid": (2_000, 2_000, 2_000)}, {"heat": 2_000}
    assert 1.0 == said.run(20).points["heat.relay_on"]


def test_a_meter_that_falls_silent_leaves_all_below_it_at_its_worst(shed):
    p = shed(*loads("heat", phase="l1"), *loads("stove", phase="l1", tier="A"), measured=True)
    p.base_w, p.loads_w = {"shed": (2_500, 0, 0)}, {"heat": 1_000, "stove": 200}
    p.run(30)
    assert 1.0 == p.points["heat.relay_on"]

    p.silent = {"shed"}
    p.run(9)
    assert 1.0 == p.points["heat.relay_on"]
    p.run(5)
    assert 0.0 == p.points["heat.relay_on"], "2500 W seen, 3000 W the stove, 3000 W the heat: over 7360 W"
    assert any("the meter of shed is silent" in alarm for alarm in p.view["alarms"])


@pytest.mark.long
def test_what_a_fuse_took_comes_back_when_its_board_has_been_calm(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (5_000, 0, 0)}, {"heat": 3_000}
    p.run(60)
    assert 0.0 == p.points["heat.relay_on"]

    p.base_w = {"shed": (1_000, 0, 0)}
    p.run(115)
    assert 0.0 == p.points["heat.relay_on"]
    step_until(p, lambda: are_all_on(p, "heat"), 600)


@pytest.mark.long
def test_what_a_fuse_took_stays_while_it_would_not_fit(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (5_000, 0, 0)}, {"heat": 3_000}
    p.run(500)  # enough for what would fit to be back

    assert [0.0] == sorted({value for t, value in p.written("heat.relay_on") if t > 5})


def test_a_car_that_pauses_behind_a_measured_board_lets_nothing_feed_back_there(shed, car):
    """For some seconds it counts as there while the board's meter shows it gone; PV beside it makes 8 kW."""
    roof = Pv(name="roof", rated_w=8_000, curtail="limit", node="shed", phase="all")
    ev = ChargePointAsset(name="ev1", rated_w=11_040, node="shed")
    p = shed(roof, ev, fuse_a=25.0, measured=True)
    p.delay_s, p.cars = 2, {"ev1": car()}
    p.base_w, p.loads_w = {"grid": (3_000, 3_000, 3_000)}, {"roof": -8_000}
    p.run(60)
    assert (16.0, -8_000) == (p.points["ev1.current_max_a"], p.loads_w["roof"])
    p.cap(import_max_w=4_000).run(20)

    assert (0.0, 0.0) == (p.points["ev1.current_max_a"], p.amperes(ev))
    assert {8_000.0} == {value for _, value in p.written("roof.generation_max_w")}


def test_a_main_fuse_is_kept_on_each_phase(board, car, house):
    ev = ChargePointAsset(name="ev1", rated_w=7_360, phases_count=1, phase="l2", current_max_a=32.0)
    limits = replace(house.limits, import_hard_w=60_000)
    p = board(house=replace(house, assets=(ev,), main_fuse_a=40.0, limits=limits)).cap(import_max_w=60_000)
    p.cars = {"ev1": car(phases=1)}
    p.base_w = {"grid": (0, 5_000, 0)}
    p.run(20)

    assert p.reason("ev1").startswith("main fuse 40 A, L2: ")
    assert 9_200 >= p.flows_w["grid"][1] > 8_500


def test_a_load_that_does_not_obey_is_made_room_for(shed):
    p = shed(*loads("one", "two", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (1_000, 0, 0)}, {"one": 2_900, "two": 2_900}
    p.run(20)
    p.deaf = {"one"}
    p.base_w = {"shed": (2_500, 0, 0)}
    p.run(60)

    assert [0.0, 0.0] == [p.decision.state.book.orders[f"{name}.relay_on"].value for name in ("one", "two")]
    assert p.flows_w["shed"][0] <= 7_360
    assert max(p.longest_s.values()) <= 15


def test_the_status_shows_load_and_room_of_each_node(shed):
    p = shed(*loads("heat", phase="l1"), measured=True)
    p.base_w, p.loads_w = {"shed": (1_000, 0, 0)}, {"heat": 3_000}
    p.run(5)

    root, sub = p.view["nodes"]
    assert ("grid", None, "measured") == (root["name"], root["under"], root["basis"])
    assert ("shed", "grid", 32.0) == (sub["name"], sub["under"], sub["fuse_a"])
    assert [4_000, 4_000, 0, 0] == sub["load_w"]
    assert [22_080, 7_360, 7_360, 7_360] == sub["import_max_w"]
    assert [18_080, 3_360, 7_360, 7_360] == sub["headroom_w"]
    assert [None, None, None] == root["import_max_w"][1:]
    assert [[], []] == [node["holds"] for node in p.view["nodes"]]


def test_the_status_says_whom_each_node_holds_back(shed):
    p = shed(*loads("one", phase="l1"), *loads("two", phase="l2"), measured=True)
    p.base_w = {"shed": (5_000, 1_000, 1_000)}
    p.loads_w = {"one": 3_000, "two": 3_000}
    p.run(20)

    assert {"grid": [], "shed": ["one"]} == {node["name"]: node["holds"] for node in p.view["nodes"]}
