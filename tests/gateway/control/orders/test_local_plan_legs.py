"""The local plan leads a car while it may wait, below everybody else; one that may not charges by the rule."""

from dataclasses import replace
from typing import ClassVar

import pytest
from tests.gateway.control.stepping import step_until

from quartier.control.observe.charging_sessions import ChargingSession, Uptake
from quartier.control.observe.daily_runs import RunProgress
from quartier.control.observe.observations import LastGood
from quartier.control.orders import local_plan
from quartier.control.reason import NO_REASON, make_text_reason, render_text
from quartier.control.records import Order, OrderBook, Override
from quartier.control.requests import LocalPlan, PlanLeg
from quartier.control.state import ControlState
from quartier.site.asset_types import (
    BatchLoad,
    ChargePointAsset,
    HeatAsset,
    Load,
    OperationMode,
    WasteCollection,
)
from quartier.site.records import Now
from quartier_drivers.contract import Origin

S = 1_000_000_000
EPOCH_MS = 1_790_000_000_000  # 16:13:20 in Paris
DEPARTURE_S = 7 * 3600.0
KNOWN = Uptake(sure_w=11_040.0, phases_count=3)
EV = ChargePointAsset(name="ev1", rated_w=11_040, departure_s=DEPARTURE_S, energy_wanted_wh=22_080)
PLAN = LocalPlan(
    start_ns=0,
    expires_ns=900 * S,
    offset_ms=EPOCH_MS,
    legs={
        "ev1": (
            PlanLeg(300.0, 0.0, make_text_reason("waits until 22:00")),
            PlanLeg(600.0, 10.0, make_text_reason("cheap")),
        ),
        "bat1": (PlanLeg(900.0, 0.0),),
        "hp1": (PlanLeg(900.0, 0.0, make_text_reason("off")),),
        "gone": (PlanLeg(900.0, 0.0),),
    },
)


def at(t_s, *, synced=True):
    return Now(int(t_s * S), EPOCH_MS + int(t_s * 1000), synced)


@pytest.fixture
def stands(house):
    """``stands(ev, stay, book, **values)``: a house whose car stands so."""

    def make(ev=EV, stay=None, reason=None, **values):
        known = {"plugged_on": 1.0, "power_w": 0.0, **values}
        memories = {f"ev1.{key}": LastGood(value, 0) for key, value in known.items() if value is not None}
        orders = {"ev1.current_max_a": Order(0.0, 0, reason)} if reason else {}
        return replace(
            ControlState.fresh(
                replace(house, assets=(*house.assets[:1], ev, Load(name="hp1", rated_w=2e3, switchable=True)))
            ),
            charging_sessions={"ev1": stay or ChargingSession(0, uptake=KNOWN)},
            last_good=memories,
            book=OrderBook(orders),
        )

    return make


def led(state, t_s=10.0, plan=PLAN, given=None, *, outage=False, synced=True):
    found = local_plan.find_plan_orders(plan, state, given or {}, at(t_s, synced=synced), outage=outage)
    return {name: one.value for name, one in found.items()}


def test_a_car_waits_and_charges_as_the_plan_has_it_and_says_until_when_and_why(stands):
    assert {"ev1": 0.0} == led(stands())
    assert {"ev1": 10.0} == led(stands(), 14.0, replace(PLAN, start_ns=-300 * S))
    order = local_plan.find_plan_orders(PLAN, stands(), {}, at(10), outage=False)["ev1"]
    assert (300 * S, EPOCH_MS + 300_000) == (order.until_ns, order.until_utc_ms)
    assert ("local plan: waits until 22:00", "rule") == (str(order.reason), order.reason.who.kind)


def test_batteries_loads_and_what_is_not_there_are_left_alone(stands):
    assert {"ev1"} == set(led(stands()))


@pytest.mark.parametrize("value", [400.0, 3.0, -6.0])
def test_a_current_that_the_point_cannot_have_is_no_order(stands, value):
    assert {} == led(stands(), plan=replace(PLAN, legs={"ev1": (PlanLeg(900.0, value),)}))


def test_people_and_the_district_go_before_the_plan(stands):
    given = {"ev1": Override("ev1", 16.0, 10**15, 0, Origin("person", "anna"))}

    assert {"ev1": 16.0} == led(stands(), given=given)


@pytest.mark.parametrize(
    ("plan", "t_s", "how"),
    [
        (None, 10, {}),
        (replace(PLAN, legs={}), 10, {}),
        (PLAN, 900, {}),
        (PLAN, 10, {"outage": True}),
        (PLAN, 10, {"synced": False}),
        (replace(PLAN, legs={"ev1": (PlanLeg(5.0, 0.0),), "bat1": (PlanLeg(900.0, 0.0),)}), 10, {}),
    ],
)
def test_a_plan_that_does_not_hold_leads_nothing(stands, plan, t_s, how):
    assert {} == led(stands(), t_s, plan, **how)


def test_what_is_missing_never_lets_a_car_wait(stands):
    there = "not known whether a car is there"
    assert local_plan.explain_not_followed(EV, stands(), at(10)) is None
    assert there == str(local_plan.explain_not_followed(EV, replace(stands(), charging_sessions={}), at(10)))
    assert there == str(local_plan.explain_not_followed(EV, stands(plugged_on=None), at(10)))
    assert there == str(local_plan.explain_not_followed(EV, stands(), at(60))), "its point is silent"
    for ev, why in (
        (replace(EV, departure_s=None), "its departure time is not known"),
        (replace(EV, energy_wanted_wh=None), "the energy that it wants is not known"),
    ):
        assert why == str(local_plan.explain_not_followed(ev, stands(ev), at(10)))


def leaving(in_s):
    """What the charger says of the departure."""
    return {"departure_in_s": float(in_s)}


def test_a_car_that_fell_behind_charges_at_once_and_follows_again_only_with_time_to_spare(stands):
    full_s = 7_200.0  # it lacks two hours at full current
    late = local_plan.LATE

    def why(in_s, reason):
        return local_plan.explain_not_followed(EV, stands(reason=reason, **leaving(in_s)), at(0))

    for reason in (None, NO_REASON):
        assert late == why(full_s + local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S - 1, reason)
        assert why(full_s + local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S + 1, reason) is None
    follows = make_text_reason("local plan: waits", Origin("rule", "local plan"))
    assert why(full_s + local_plan.PLAN_LATE_S + 1, follows) is None
    assert late == why(full_s + local_plan.PLAN_LATE_S - 1, follows)


def test_a_car_that_was_never_seen_to_charge_waits_only_where_the_least_that_one_takes_is_enough(stands):
    unseen, hours = ChargingSession(0), 22_080.0 / 1_380.0
    for left_s, why in ((-1, local_plan.UNSEEN), (1, None)):
        in_s = hours * 3600.0 + local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S + left_s
        state = stands(stay=unseen, **leaving(in_s))
        assert why == local_plan.explain_not_followed(EV, state, at(0))
    found = local_plan.find_plan_orders(
        PLAN, stands(stay=unseen, **leaving(8 * 3600)), {}, at(10), outage=False
    )["ev1"]
    assert (16.0, str(local_plan.UNSEEN)) == (found.value, str(found.reason))


def test_one_that_takes_a_third_has_to_charge_when_a_third_takes_all_the_time_that_is_left(stands):
    third = ChargingSession(0, uptake=Uptake(sure_w=3_680.0, is_all=True, phases_count=1))
    least_s = 6 * 3600.0 + local_plan.PLAN_LATE_S + local_plan.PLAN_AGAIN_S

    assert local_plan.LATE == local_plan.explain_not_followed(
        EV, stands(stay=third, **leaving(least_s - 1)), at(0)
    )
    assert local_plan.explain_not_followed(EV, stands(stay=third, **leaving(least_s + 1)), at(0)) is None


@pytest.mark.parametrize(
    ("seen", "planned_a", "offered_a"),
    [
        (Uptake(), 6.0, 16.0),
        (Uptake(), 0.0, 0.0),
        (Uptake(sure_w=6_900.0, is_all=True, phases_count=3), 10.0, 16.0),
        (Uptake(sure_w=6_900.0, is_all=True, phases_count=3), 9.0, 9.0),
        (KNOWN, 15.0, 15.0),
    ],
)
def test_who_is_planned_with_all_that_it_takes_is_offered_all(stands, seen, planned_a, offered_a):
    state = stands(stay=ChargingSession(0, charged_wh=22_000.0, uptake=seen))

    assert {"ev1": offered_a} == led(state, plan=replace(PLAN, legs={"ev1": (PlanLeg(900.0, planned_a),)}))


def test_one_that_has_what_it_wants_goes_on_waiting(stands):
    state = stands(stay=ChargingSession(0, charged_wh=22_080.0), **leaving(600))

    assert local_plan.explain_not_followed(EV, state, at(0)) is None


RELAY = (OperationMode("on", 1.0, 2_000.0), OperationMode("off", 0.0, 0.0))
BOILER = HeatAsset(
    name="boiler", rated_w=2_000, quantity="relay_on", modes=RELAY, comfort_min_c=45.0, comfort_max_c=60.0
)
BIN = WasteCollection(
    name="waste",
    rated_w=3_000,
    quantity="run_on",
    modes=RELAY,
    window_s=0.0,
    deadline_s=82_800.0,
    duration_s=1_800.0,
)


@pytest.fixture
def stores(house):
    """``stores(reason, **values)``: a house with a boiler and a waste plant, as they are read."""

    def make(reason=None, boiler=BOILER, **values):
        memories = {name.replace("__", "."): LastGood(value, 0) for name, value in values.items()}
        orders = {"boiler.relay_on": Order(0.0, 0, reason)} if reason else {}
        house_of = replace(house, assets=(boiler, BIN))
        return replace(ControlState.fresh(house_of), last_good=memories, book=OrderBook(orders))

    return make


STORES = replace(
    PLAN,
    legs={
        "boiler": (PlanLeg(900.0, 1.0, make_text_reason("waits")),),
        "waste": (PlanLeg(900.0, 0.0, make_text_reason("runs")),),
    },
)


def test_a_tank_and_a_batch_are_led_while_they_are_read(stores):
    read = {"boiler__tank_c": 55.0, "waste__waiting_on": 1.0, "waste__left_s": 900.0}

    assert {"boiler": 1.0, "waste": 0.0} == led(stores(**read), plan=STORES)
    assert {} == led(stores(), plan=STORES)
    assert {} == led(stores(**read), 60.0, STORES), "they are silent"
    empty = stores(**{**read, "waste__waiting_on": 0.0})
    assert {"boiler": 1.0} == led(empty, plan=STORES), "what comes later is of the next plan"
    del read["waste__left_s"]
    assert {"boiler": 1.0} == led(stores(**read), plan=STORES)
    assert {} == led(
        stores(boiler__tank_c=55.0), plan=replace(STORES, legs={"boiler": (PlanLeg(900.0, 7.0),)})
    )


def test_a_tank_that_is_too_cold_waits_for_no_cheaper_hour_and_again_only_inside_its_band(stores):
    follows = make_text_reason("local plan: waits", Origin("rule", "local plan"))

    assert {} == led(stores(boiler__tank_c=46.9), plan=STORES)
    assert {"boiler": 1.0} == led(stores(boiler__tank_c=47.0), plan=STORES)
    assert {"boiler": 1.0} == led(stores(follows, boiler__tank_c=46.0), plan=STORES)
    assert {} == led(stores(follows, boiler__tank_c=45.9), plan=STORES)
    narrow = replace(BOILER, comfort_max_c=46.0)
    assert {"boiler": 1.0} == led(stores(follows, narrow, boiler__tank_c=45.25), plan=STORES)
    assert {} == led(stores(follows, narrow, boiler__tank_c=45.2), plan=STORES)
    assert {} == led(stores(boiler=replace(BOILER, comfort_min_c=None), boiler__tank_c=55.0), plan=STORES)


WASHER = BatchLoad(name="washer", rated_w=2_000, quantity="relay_on", modes=RELAY, run_w=(2_000,))
OWED = RunProgress(EPOCH_MS + 7_200_000, 7_200 * S)
WASH = replace(PLAN, legs={"washer": (PlanLeg(900.0, 1.0, make_text_reason("waits until 22:00")),)})


def washing(house, progress, **values):
    memories = {f"washer.{name}": LastGood(value, 0) for name, value in values.items()}
    state = ControlState.fresh(replace(house, assets=(replace(WASHER, senses=("waiting_on",)),)))
    return replace(state, last_good=memories, runs={"washer": progress})


def test_a_run_that_is_owed_waits_and_begins_as_the_plan_has_it(house):
    assert {"washer": 1.0} == led(washing(house, OWED), plan=WASH)


@pytest.mark.parametrize(
    ("progress", "values", "why"),
    [
        (replace(OWED, is_begun=True), {}, "its run has begun"),
        (replace(OWED, is_done=True), {}, "its run is done"),
        (replace(OWED, is_late=True), {}, "its run is late"),
        (RunProgress(), {}, "its deadline is not known"),
        (OWED, {"waiting_on": 0.0}, "no run is waiting"),
        (OWED, {"waiting_on": 1.0}, ""),
    ],
)
def test_one_that_has_begun_or_may_not_wait_follows_no_plan(house, progress, values, why):
    state = washing(house, progress, **values)

    assert why == render_text(local_plan.explain_not_followed(WASHER, state, at(0)))
    assert (not why) == bool(led(state, 0.0, WASH))


@pytest.fixture
def planned(plant):
    """A plant whose car has a plan of one leg for ever, ``leg``."""

    class Planned(plant):
        leg = PlanLeg(1e6, 0.0, make_text_reason("waits"))
        wanted_wh = 20_000.0
        ordered: ClassVar = {}

        def requests(self):
            made = replace(super().requests(), overrides=self.ordered)
            state = self.state
            assets = tuple(
                replace(a, departure_s=DEPARTURE_S, energy_wanted_wh=self.wanted_wh)
                if isinstance(a, ChargePointAsset)
                else a
                for a in state.site.assets
            )
            self.state = state = replace(state, site=replace(state.site, assets=assets))
            now = self.now()
            plan = LocalPlan(
                start_ns=0,
                expires_ns=now.ns + 900 * S,
                offset_ms=now.utc_ms - now.ns // 1_000_000,
                legs={"ev1": (self.leg,)},
            )
            return replace(
                made, overrides=local_plan.find_plan_orders(plan, state, made.overrides, now, outage=False)
            )

    return Planned


@pytest.fixture
def waiting(planned):
    """It charged for two minutes, then the plan had it wait."""

    def make(**more):
        p = planned(ev_wants_w=11_040, **more)
        p.leg = PlanLeg(1e6, 16.0, make_text_reason("cheap"))
        p.run(120)
        p.leg = PlanLeg(1e6, 0.0, make_text_reason("waits"))
        return p.run(100)

    return make


@pytest.mark.long
def test_the_plan_pauses_a_car_and_lets_it_charge_at_its_current_and_the_reason_says_why(waiting):
    p = waiting()
    paused = p.view["assets"]["ev1"]
    assert (0.0, "paused", "local plan", "local plan: waits") == (
        p.ev_w,
        paused["state"],
        paused["led_by"],
        paused["command"]["reason"],
    )
    p.leg = PlanLeg(1e6, 10.0, make_text_reason("cheap"))
    step_until(p, lambda: p.ev_w > 0, 400).run(60)

    assert 6_900 == p.ev_w
    assert "local plan: cheap" == p.view["assets"]["ev1"]["command"]["reason"]


@pytest.mark.long
def test_a_cap_holds_whatever_current_is_planned(waiting):
    p = waiting(base_w=2_000, soc_pct=19.5).cap(import_max_w=7_000)
    p.leg = PlanLeg(1e6, 16.0, make_text_reason("cheap"))
    step_until(p, lambda: p.ev_w > 0, 400).run(300)

    assert 0 == p.longest_over_s(7_000, 220)
    assert p.ev_w < 5_600


@pytest.mark.long
def test_a_person_who_orders_goes_before_the_plan(waiting):
    p = waiting()
    hand = Override("ev1", 16.0, 10**15, 0, Origin("person", "anna"))
    p.ordered = {"ev1": hand}
    step_until(p, lambda: p.ev_w == 11_040, 400).run(20)

    assert "a person" == p.view["assets"]["ev1"]["led_by"]


@pytest.mark.long
def test_a_car_that_wants_more_than_its_time_allows_is_let_go_and_takes_all_it_can(waiting):
    p = waiting()
    p.wanted_wh = 400_000.0  # more than it could have in a day and a half
    step_until(p, lambda: p.ev_w == 11_040, 400).run(20)

    assert ("rule: ready", str(local_plan.LATE)) == (
        p.view["assets"]["ev1"]["led_by"],
        p.view["assets"]["ev1"]["command"]["reason"],
    )
