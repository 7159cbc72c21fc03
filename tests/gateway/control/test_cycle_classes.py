"""The classes of a district at one table: what a cap takes from each, when, and what it never does."""

from dataclasses import replace
from itertools import pairwise
from random import Random

import pytest
from hypothesis import settings
from tests.gateway.control.stepping import step_until

from quartier.site.asset_types import (
    ChpUnit,
    HeatAsset,
    HeatSubstation,
    Lights,
    OperationMode,
    OperationModeAsset,
    VentilationUnit,
    WasteCollection,
)


def speeds(rated_w: float, *percents: float) -> tuple[OperationMode, ...]:
    return tuple(OperationMode(f"{p} % speed", p, rated_w * (p / 100) ** 3) for p in percents)


LIGHTS = Lights(
    name="street",
    rated_w=2_000,
    tier="C",
    quantity="dim_pct",
    modes=tuple(OperationMode(f"{p} % light", p, 20.0 * p) for p in (100, 80, 60, 50)),
)
HEAT = HeatAsset(
    name="hp",
    rated_w=3_000,
    tier="C",
    quantity="sg_ready_state",
    senses=("tank_c",),
    modes=(
        OperationMode("boost", 3, 3_000),
        OperationMode("normal", 2, 2_000),
        OperationMode("blocked", 1, 0),
    ),
    normal=1,
    comfort_min_c=45,
    comfort_max_c=55,
    min_on_s=300,
    min_off_s=180,
)
LOOP = HeatSubstation(
    name="loop",
    rated_w=2_000,
    tier="C",
    quantity="pump_pct",
    senses=("supply_c",),
    modes=speeds(2_000, 100, 80, 60, 40),
    bands=(("supply_c", 8, 75),),
    min_on_s=60,
    min_off_s=60,
)
CHP = ChpUnit(
    name="chp",
    rated_w=3_000,
    tier="D",
    quantity="request_on",
    modes=(OperationMode("rest", 0, 0), OperationMode("asked to run", 1, -3_000)),
    start_import_w=9_000,
    min_on_s=900,
    min_off_s=2_100,
)
WASTE = WasteCollection(
    name="waste",
    rated_w=3_000,
    tier="C",
    quantity="run_on",
    senses=("waiting_on", "left_s"),
    modes=(OperationMode("runs", 1, 3_000), OperationMode("waits", 0, 0)),
    window_s=0,
    deadline_s=86_340,
    duration_s=3_600,
    min_on_s=300,
    min_off_s=180,
)
AIR = VentilationUnit(
    name="air",
    rated_w=2_000,
    tier="C",
    quantity="speed_pct",
    senses=("co2_ppm",),
    modes=speeds(2_000, 100, 70, 40),
    co2_max_ppm=1_200,
    min_on_s=60,
    min_off_s=60,
)
WELL = {"hp.tank_c": 50, "loop.supply_c": 40, "waste.waiting_on": 0, "air.co2_ppm": 600}


@pytest.fixture
def building(plant, house):
    def made(*assets: OperationModeAsset, kept: tuple[str, ...] = (), **more: object):
        others = tuple(asset for asset in house.assets if asset.name in kept)
        return plant(
            house=replace(house, assets=(*assets, *others)), **({"base_w": 500, "raw": dict(WELL)} | more)
        )

    return made


def test_a_chp_is_asked_after_the_battery_and_before_a_car_has_to_wait(building):
    p = building(CHP, kept=("bat1", "ev1"), base_w=2_000, ev_wants_w=11_040, soc_pct=50)
    p.run(60)
    assert 0 == p.points.get("chp.request_on", 0)
    p.cap(import_max_w=1_000).run(10)
    asked = next(t for t, value in p.written("chp.request_on") if value == 1)

    assert -5_000 == [value for t, value in p.written("bat1.setpoint_w") if t <= asked][-1]
    assert 6 == min(value for _, value in p.written("ev1.current_max_a"))
    assert "import cap 1000 W (envelope dso 1): to asked to run" == str(
        p.state.book.orders["chp.request_on"].reason
    )


@pytest.mark.long
def test_a_chp_that_was_asked_for_keeps_its_least_run_whatever_comes(building):
    p = building(replace(CHP, min_off_s=600), base_w=9_000)
    p.run(30).cap(import_max_w=8_000).run(10)
    p.base_w = 0
    step_until(p.cap(import_max_w=30_000, export_max_w=0), lambda: p.points["chp.request_on"] == 0, 900)
    asked = next(t for t, value in p.written("chp.request_on") if value == 1)
    withdrawn = next(t for t, value in p.written("chp.request_on", since=asked) if value == 0)
    assert 600 <= withdrawn - asked


def test_a_chp_is_asked_when_the_import_stays_high_for_five_minutes(building):
    p = building(CHP, base_w=9_500)
    p.cap(import_max_w=30_000).run(299)
    assert 0 == p.points["chp.request_on"]
    assert (
        "rest: import without it above 9000 W, asked to run after at least 5 min"
        == p.view["assets"]["chp"]["state"]
    )
    p.run(10)

    assert 1 == p.points["chp.request_on"]
    assert "asked to run: import without it above 9000 W" == p.view["assets"]["chp"]["state"]
    p.base_w = 8_500
    p.run(10)
    assert "asked to run: import without it not below 8100 W" == p.view["assets"]["chp"]["state"]
    p.base_w = 8_000
    p.run(10)
    assert (
        "asked to run: import without it below 8100 W, rest after at least 5 min"
        == p.view["assets"]["chp"]["state"]
    )


def test_a_loop_that_gets_hot_is_given_back_and_said_so(building):
    p = building(LOOP)
    p.run(30).cap(import_max_w=1_500).run(10)
    assert 60 == p.points["loop.pump_pct"]
    p.raw["loop.supply_c"] = 80
    p.run(1)
    assert ("loop.pump_pct",) == p.decision.releases
    assert "loop.pump_pct: no longer ordered, its supply is at 80.0 °C, above 75 °C" in p.view["alarms"]
    p.run(30)

    assert [] == p.written("loop.pump_pct", since=41)
    assert p.view["assets"]["loop"]["state"].startswith("given back: its supply is at 80.0 °C")
    p.raw["loop.supply_c"] = 40
    p.run(1_100)
    assert [] == p.written("loop.pump_pct", since=41)
    p.run(200)
    assert [] != p.written("loop.pump_pct", since=1_170)


def test_a_pump_is_slowed_to_its_least_flow_and_never_stopped(building):
    p = building(LOOP)
    p.run(30).cap(import_max_w=100).run(300)

    assert 40 == min(value for _, value in p.written("loop.pump_pct"))


@pytest.mark.long
def test_the_least_ventilation_is_taken_after_c_and_bad_air_spares_the_rest(building):
    p = building(AIR, kept=("pump",), loads_w={"pump": 3_000})
    p.run(30).cap(import_max_w=3_700).run(120)
    assert 0 == p.points["pump.relay_on"]
    assert 70 <= p.points["air.speed_pct"]
    bad = building(AIR, raw=WELL | {"air.co2_ppm": 1_500})
    bad.run(30).cap(import_max_w=600).run(300)
    assert {100.0} == {value for _, value in bad.written("air.speed_pct")}


@pytest.mark.long
def test_a_batch_whose_time_runs_out_takes_the_place_of_what_is_in_c(building):
    late = replace(WASTE, deadline_s=17 * 3_600, duration_s=1_800)  # it is 16:13 when these tests begin
    p = building(late, kept=("pump",), loads_w={"pump": 3_000}, raw=WELL | {"waste.waiting_on": 1})
    p.cap(import_max_w=4_000).run(650)
    assert (0, 1) == (p.points["waste.run_on"], p.points.get("pump.relay_on", 1))
    p.run(200)

    assert (1, 0) == (p.points["waste.run_on"], p.points["pump.relay_on"])
    assert "runs: has to be done by 17:00" == p.view["assets"]["waste"]["state"]
    assert p.longest_over_s(4_000, since=60) == 0


@pytest.mark.long
def test_an_afternoon_of_swinging_caps_breaks_no_promise(building):
    assets = (LIGHTS, HEAT, LOOP, CHP, WASTE, AIR)
    p = building(
        *assets, replace(LIGHTS, name="square", tier="A"), kept=("bat1", "ev1", "pump", "lift"), soc_pct=60
    )
    p.loads_w = {"pump": 3_000, "lift": 1_500}
    p.ev_wants_w = 7_000
    dice = Random(6)
    p.run(30)
    for _ in range(60 if settings.get_current_profile_name() == "deep" else 10):
        p.sun_w = dice.choice([0, 3_000, 9_000])
        p.base_w = dice.choice([300, 4_000, 9_000])
        p.raw |= {"hp.tank_c": dice.uniform(43, 57), "waste.waiting_on": dice.choice([0, 1])}
        p.raw |= {"loop.supply_c": dice.choice([40, 40, 40, 80]), "air.co2_ppm": dice.choice([600, 1_500])}
        p.cap(import_max_w=dice.choice([3_000, 8_000, 16_000]), export_max_w=dice.choice([0, 6_000]))
        p.run(dice.randint(30, 400))

    assert {100.0} == {value for _, value in p.written("square.dim_pct")} | {100.0}
    assert [] == [value for _, value in p.written("lift.relay_on") if value == 0]
    assert 50 <= min(value for _, value in p.written("street.dim_pct"))
    assert 40 <= min(value for point in ("loop.pump_pct", "air.speed_pct") for _, value in p.written(point))
    for asset in assets:
        changes = changed(p.written(asset.point))
        for (then, before, after), (later, _, next_after) in pairwise(changes):
            least_s = asset.min_on_s if is_up(asset, before, after) else asset.min_off_s
            if not is_up(asset, before, after) and not is_up(asset, after, next_after):
                least_s = 0.0  # further down at once: its least run was over
            assert least_s <= later - then, (asset.name, then, later)
        turns = [t for (t, a, b), up in zip(changes, directions(asset, changes), strict=True) if up]
        assert 6 >= max((sum(t <= one < t + 3_600 for one in turns) for t in turns), default=0), asset.name


def changed(written: list[tuple[int, float]]) -> list[tuple[int, float, float]]:
    """(t, before, after) of each change of the value."""
    return [(t, before, after) for (_, before), (t, after) in pairwise(written) if before != after]


def is_up(asset: OperationModeAsset, before: float, after: float) -> bool:
    """Whether that is a change to more power."""
    places = [mode.value for mode in asset.modes]
    return places.index(after) < places.index(before)


def directions(asset: OperationModeAsset, changes: list[tuple[int, float, float]]) -> list[bool]:
    """For each change whether it turns round the direction of the one before."""
    ups = [is_up(asset, before, after) for _, before, after in changes]
    return [one != earlier for earlier, one in zip([True, *ups], ups, strict=False)]


@pytest.mark.long
def test_pre_heating_with_own_generation_is_the_first_thing_that_a_cap_ends(building):
    p = building(HEAT, kept=("ev1",), base_w=-14_100, ev_wants_w=11_040)
    p.run(59)
    assert 2 == p.points["hp.sg_ready_state"]
    p.run(341)
    assert 3 == p.points["hp.sg_ready_state"]
    assert "boost: pre-heating with own generation" == p.view["assets"]["hp"]["state"]
    p.base_w = -11_000
    p.cap(import_max_w=2_500).run(5)

    assert 2 == p.points["hp.sg_ready_state"]
    assert "import cap 2500 W (envelope dso 1): to normal, tier D" == str(
        p.state.book.orders["hp.sg_ready_state"].reason
    )
    assert 16 == p.points.get("ev1.current_max_a", 16)


def test_above_its_band_a_store_is_not_boosted_by_an_export_cap_either(building):
    p = building(HEAT, base_w=-9_000, raw=WELL | {"hp.tank_c": 56})
    p.cap(export_max_w=1_000).run(120)

    assert {2} == {value for _, value in p.written("hp.sg_ready_state")}


def test_what_has_a_control_of_its_own_is_ordered_only_while_a_cap_needs_it(building):
    own = replace(LOOP, own_normal=True)
    p = building(own)
    p.run(60)
    assert [] == p.written("loop.pump_pct")
    p.cap(import_max_w=1_500).run(10)
    assert 60 == p.points["loop.pump_pct"]
    p.cap(import_max_w=16_000)
    given = [p.t for _ in range(1_300) if p.step().releases == ("loop.pump_pct",)]

    assert 1 == len(given)
    assert [] == p.written("loop.pump_pct", since=given[0])
    assert "loop.pump_pct" not in p.state.book.orders
    assert [] == p.view["alarms"]
    p.cap(import_max_w=1_500).run(70)
    assert 60 == p.written("loop.pump_pct")[-1][1]


@pytest.mark.long
def test_a_hot_loop_with_a_control_of_its_own_stays_with_it(building):
    p = building(replace(LOOP, own_normal=True))
    p.run(30).cap(import_max_w=1_500).run(10)
    p.raw["loop.supply_c"] = 80
    p.run(30)
    p.raw["loop.supply_c"] = 40
    p.cap(import_max_w=16_000).run(1_250)

    assert [] == p.written("loop.pump_pct", since=41)
