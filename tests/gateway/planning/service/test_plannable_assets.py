"""What may be planned beside batteries: tanks and batches of which all is read, and that nobody else orders."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from quartier.config.sections.planning_sections import PlanningSection
from quartier.control.observe.daily_runs import RunProgress
from quartier.control.observe.observations import LastGood
from quartier.control.orders import local_plan
from quartier.control.reason import NO_REASON, make_reason, make_text_reason
from quartier.control.records import Order, OrderBook
from quartier.control.state import ControlState
from quartier.planning.service import plannable_assets
from quartier.planning.site.other_assets import PowerModes
from quartier.planning.site.site_model import BatchModel
from quartier.site.asset_types import (
    BatchLoad,
    ChargePointAsset,
    GridMeter,
    HeatAsset,
    Load,
    OperationMode,
    WasteCollection,
    WaterTank,
)
from quartier.site.records import Now
from quartier.site.site_layout import Site, SiteLimits
from quartier_drivers.contract import Origin

START_S = datetime(2026, 3, 11, 20, 0, tzinfo=UTC).timestamp()
NOW = Now(10**12, int(START_S * 1000), synced=True)
WANTED = PlanningSection(horizon_s=86_400.0)
RELAY = (OperationMode("on", 1.0, 2_000.0), OperationMode("off", 0.0, 0.0))
STATES = (
    OperationMode("forced", 4.0, 2_500.0),
    OperationMode("normal", 2.0, 2_000.0),
    OperationMode("blocked", 1.0, 0.0),
)
BOILER = HeatAsset(
    name="boiler",
    rated_w=2_000,
    quantity="relay_on",
    modes=RELAY,
    comfort_min_c=45.0,
    comfort_max_c=60.0,
    water=WaterTank(volume_m3=0.2, loss_w=70.0),
)
PUMP = replace(BOILER, name="pump", quantity="sg_ready_state", modes=STATES, normal=1, boosts=0)
BIN = WasteCollection(
    name="waste",
    rated_w=3_000,
    quantity="run_on",
    modes=RELAY,
    window_s=0.0,
    deadline_s=82_800.0,
    duration_s=1_800.0,
)
READ = {
    "boiler.tank_c": 50.0,
    "boiler.power_w": 0.0,
    "pump.tank_c": 50.0,
    "pump.power_w": 1_500.0,
    "waste.waiting_on": 1.0,
    "waste.left_s": 3_600.0,
    "waste.power_w": 0.0,
}


def house(*assets):
    kinds = ("hard", "failsafe", "autonomous")
    limits = SiteLimits(**{f"{way}_{kind}_w": 9_000.0 for way in ("import", "export") for kind in kinds})
    return Site(name="b1", grid=GridMeter(name="grid", rated_w=9_000), assets=assets, limits=limits)


def asked(*assets, reasons=(), **missing):
    memories = {point: LastGood(value, NOW.ns) for point, value in READ.items() if point not in missing}
    orders = {point: Order(1.0, 0, reason) for point, reason in dict(reasons).items()}
    state = replace(ControlState.fresh(house(*assets)), last_good=memories, book=OrderBook(orders))
    return plannable_assets.find_plannable_stores(state, NOW, START_S, WANTED)


def test_what_is_planned_apart_is_measured_takes_orders_and_is_known_enough():
    bare = replace(BOILER, name="bare", water=None)
    open_band = replace(BOILER, name="open", comfort_max_c=None)
    unheard = replace(BOILER, name="unheard", measured=False)
    stuck = replace(PUMP, name="stuck", preheat=False, modes=STATES[1:], normal=0, boosts=0)
    mute = replace(BIN, name="mute", writable=False)
    others = (Load(name="hp1", rated_w=1.0),)

    found = plannable_assets.list_plannable_stores(
        house(BOILER, PUMP, BIN, bare, open_band, unheard, stuck, mute, *others)
    )
    assert ("boiler", "pump", "waste", "stuck") == found


def test_a_relay_waits_off_and_a_heat_pump_in_normal_where_it_can_be_boosted():
    assert PowerModes(0, 1, 1_000.0) == plannable_assets.find_plan_modes(BOILER)
    assert PowerModes(0, 1, 1_250.0) == plannable_assets.find_plan_modes(PUMP)
    assert PowerModes(1, 2, 1_000.0) == plannable_assets.find_plan_modes(replace(PUMP, preheat=False))
    runs = plannable_assets.find_plan_modes(BIN)
    assert (0, 1, "plan.runs") == (runs.takes, runs.waits, runs.code)
    assert 0.0 < runs.from_w < 1.0, "what is left of a run in its last step is run too"


def test_stores_that_are_read_are_planned_as_the_site_file_has_them():
    found = asked(BOILER, PUMP, BIN)

    assert {"boiler", "pump"} == set(found.tanks)
    tank = found.tanks["boiler"]
    assert 96 == len(tank.draw_w)
    assert pytest.approx(27.0 / 40.0) == tank.low_wh / tank.high_wh, "2 K inside 45 to 60, above 20"
    assert [3_000.0] * 4 == list(found.batches["waste"].powers_w)


@pytest.mark.parametrize("point", ["boiler.tank_c", "boiler.power_w"])
def test_a_tank_that_is_not_read_is_not_planned(point):
    assert {} == asked(BOILER, **{point: None}).tanks


def test_nor_one_that_a_person_orders_or_that_forgets_before_the_horizon_ends():
    by_hand = make_text_reason("by hand", Origin("person", "anna"))

    assert {} == asked(BOILER, reasons={"boiler.relay_on": by_hand}).tanks
    assert {"boiler"} == set(asked(BOILER, reasons={"boiler.relay_on": NO_REASON}).tanks)
    assert {} == asked(replace(BOILER, water=WaterTank(volume_m3=0.2, loss_w=8_000.0))).tanks


def test_what_takes_power_goes_on_for_an_hour_where_it_is_not_planned():
    memories = {"pump.power_w": LastGood(1_500.0, NOW.ns)}
    state = replace(ControlState.fresh(house(PUMP)), last_good=memories)

    assert [1_500.0] * 4 + [0.0] * 2 == plannable_assets.estimate_rule_power_w(state, PUMP, NOW, 900, 6)
    assert [0.0] * 6 == plannable_assets.estimate_rule_power_w(
        ControlState.fresh(house(PUMP)), PUMP, NOW, 900, 6
    )


def going_on(power_w, *, order=None, cap_w=9_000.0, net_w=0.0):
    """From and until which step a run of an hour may go that is planned until the sixteenth."""
    memories = {point: LastGood(value, NOW.ns) for point, value in READ.items()}
    memories["waste.power_w"] = LastGood(power_w, NOW.ns)
    orders = (
        {}
        if order is None
        else {"waste.run_on": Order(order[0], 0, make_text_reason(order[1], Origin("rule", order[2])))}
    )
    state = replace(ControlState.fresh(house(BIN)), last_good=memories, book=OrderBook(orders))
    planned = {"waste": BatchModel([3_000.0] * 4, 2, 16)}
    (found,) = plannable_assets.continue_running_batches(
        state, planned, NOW, net_w, [9_000.0, cap_w] + [9_000.0] * 94
    ).values()
    assert [3_000.0] * 4 == list(found.powers_w)
    return found.from_step, found.until_step


def test_a_run_under_way_goes_on_whatever_the_next_plan_would_rather():
    assert (2, 16) == going_on(0.0)
    assert (0, 4) == going_on(2_900.0)
    assert (0, 4) == going_on(0.0, order=(1.0, "local plan: runs", "local plan")), (
        "the fans are only starting"
    )
    assert (2, 16) == going_on(0.0, order=(1.0, "the time of day is not known", "own"))
    assert (2, 16) == going_on(0.0, order=(0.0, "local plan: waits", "local plan"))


def test_but_not_into_a_cap_that_leaves_no_room_for_it():
    assert (0, 4) == going_on(3_000.0, cap_w=4_000.0, net_w=1_000.0)
    assert (2, 16) == going_on(3_000.0, cap_w=3_900.0, net_w=1_000.0)


def test_a_plan_is_due_when_a_car_or_waste_comes_or_goes():
    def due(**values):
        memories = {name.replace("__", "."): LastGood(value, NOW.ns) for name, value in values.items()}
        car = ChargePointAsset(name="ev1", rated_w=11_040)
        return plannable_assets.collect_plan_triggers(
            replace(ControlState.fresh(house(car, BIN, BOILER)), last_good=memories)
        )

    still = due(ev1__plugged_on=0.0, waste__waiting_on=0.0, waste__left_s=60.0, boiler__tank_c=50.0)
    assert still == due(ev1__plugged_on=0.0, waste__waiting_on=0.0, waste__left_s=0.0, boiler__tank_c=49.0)
    assert still != due(ev1__plugged_on=1.0, waste__waiting_on=0.0)
    assert still != due(ev1__plugged_on=0.0, waste__waiting_on=1.0)
    assert still != due(ev1__plugged_on=0.0, waste__waiting_on=0.0, ev1__energy_wanted_wh=9_000.0)
    assert still != due()


WASHER = BatchLoad(
    name="washer", rated_w=2_000, quantity="relay_on", modes=RELAY, run_w=(2_000.0, 100.0, 1_500.0)
)
OWED = RunProgress(int(START_S * 1000) + 10_800_000, NOW.ns + 10_800 * 10**9)  # until midnight in Paris


def washing(progress, washer=WASHER, power_w=3.0):
    memories = {"washer.power_w": LastGood(power_w, NOW.ns)}
    return replace(ControlState.fresh(house(washer)), last_good=memories, runs={"washer": progress})


def test_a_run_that_is_owed_is_planned_until_its_deadline_and_apart_from_the_forecast():
    found = plannable_assets.find_plannable_stores(washing(OWED), NOW, START_S, WANTED).batches["washer"]

    assert ((2_000.0, 100.0, 1_500.0), 0, 12) == (tuple(found.powers_w), found.from_step, found.until_step)
    assert ("washer",) == plannable_assets.list_plannable_stores(
        house(WASHER, replace(WASHER, name="bare", measured=False))
    )
    assert PowerModes(
        0, 1, 1e-3, "plan.runs", make_reason("plan.done_by_then")
    ) == plannable_assets.find_plan_modes(WASHER)


def test_one_that_the_plan_just_let_run_is_not_moved_before_it_is_seen_to_have_begun():
    ordered = OrderBook({"washer.relay_on": Order(1.0, 0, local_plan.LEADERS)})
    planned = {"washer": BatchModel([2_000.0, 100.0, 1_500.0], 2, 12)}
    (found,) = plannable_assets.continue_running_batches(
        replace(washing(OWED), book=ordered), planned, NOW, 0.0, [9_000.0] * 96
    ).values()

    assert (0, 3) == (found.from_step, found.until_step)


@pytest.mark.parametrize("how", ["is_begun", "is_done", "is_late"])
def test_one_that_has_begun_is_done_or_late_is_not_planned(how):
    state = washing(replace(OWED, **{how: True}))
    assert {} == plannable_assets.find_plannable_stores(state, NOW, START_S, WANTED).batches


def test_what_is_left_of_a_run_goes_on_as_declared_and_no_longer():
    begun = washing(replace(OWED, is_begun=True, ran_s=1_200.0), power_w=99.0)
    owed = washing(OWED)

    assert pytest.approx(
        [(600 * 100 + 300 * 1_500) / 900, 1_000.0, 0.0, 0.0]
    ) == plannable_assets.estimate_rule_power_w(begun, WASHER, NOW, 900, 4)
    assert [3.0] * 4 + [0.0] == plannable_assets.estimate_rule_power_w(owed, WASHER, NOW, 900, 5)
