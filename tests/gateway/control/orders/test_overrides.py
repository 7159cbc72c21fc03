from dataclasses import replace
from itertools import pairwise
from typing import ClassVar

import pytest
from tests.gateway.control.stepping import are_all_off, are_all_on, step_until
from tests.gateway.control.walk.sites import STREET, TANK

from quartier.control import records
from quartier.control.orders import local_plan
from quartier.control.orders import overrides as orders_overrides
from quartier.control.reason import make_reason
from quartier.control.records import Override, Preference
from quartier.control.requests import Requests
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import Battery, ChargePointAsset, Load, Pv
from quartier_drivers.contract import Origin

ANNA = Origin("person", "anna", "1001")


@pytest.fixture
def building(plant, house):
    """A building in which people order by hand: ``by_hand`` maps assets to values, None is maintenance."""

    class Building(plant):
        by_hand: ClassVar = {}

        def requests(self):
            ordered = {
                name: Override(name, value, (self.t + 60) * 10**9, 0, ANNA, "filter changed")
                for name, value in self.by_hand.items()
            }
            return Requests(caps=self.caps, overrides=ordered)

    return lambda **more: Building(
        house=replace(house, assets=(*house.assets, STREET, TANK)), base_w=500, **more
    )


@pytest.mark.long
def test_a_load_that_a_person_switched_off_stays_off_and_says_by_whom(building):
    p = building(loads_w={"pump": 1_000, "cold": 1_000})
    p.run(30).by_hand = {"pump": 0.0, "cold": 0.0}
    p.run(30).by_hand = {"pump": 0.0}
    step_until(p, lambda: are_all_on(p, "cold"), 600).run(60)  # the next load may return 30 s after it

    assert 0 == p.points["pump.relay_on"]
    assert "by hand, anna: filter changed" == str(p.state.book.orders["pump.relay_on"].reason)
    assert ANNA == p.state.book.orders["pump.relay_on"].reason.who
    assert 60 == p.view["assets"]["pump"]["override"]["left_s"]


@pytest.mark.long
def test_they_come_back_one_by_one_when_the_time_is_over(building):
    p = building(loads_w={"pump": 1_000, "heat": 1_000, "cold": 1_000})
    p.run(30).by_hand = {"pump": 0.0, "heat": 0.0, "cold": 0.0}
    p.run(200).by_hand = {}
    ended = p.t
    names = ("pump", "heat", "cold")
    step_until(p, lambda: are_all_on(p, *names), 900)
    back = sorted(next(t for t, v in p.written(f"{name}.relay_on", since=ended) if v == 1) for name in names)

    assert all(later - sooner >= 30 for sooner, later in pairwise(back))


@pytest.mark.long
def test_a_person_does_not_break_a_minimum_time(building):
    p = building(loads_w={"pump": 1_000}, soc_pct=12)
    p.run(30).cap(import_max_w=600).run(10)
    step_until(p.cap(import_max_w=10_000), lambda: are_all_on(p, "pump"), 1_000)
    on_again = next(t for t, value in p.written("pump.relay_on", since=40) if value == 1)
    p.by_hand = {"pump": 0.0}
    step_until(p, lambda: are_all_off(p, "pump"), 400)
    off_again = next(t for t, value in p.written("pump.relay_on", since=on_again) if value == 0)

    assert off_again - on_again >= 300


@pytest.mark.parametrize("watts", [3_000.0, -2_000.0])
def test_a_battery_does_what_a_person_says_inside_every_cap(building, watts):
    p = building(soc_pct=60, loads_w={"street": 0.0, "tank": 0.0})
    p.run(30).by_hand = {"bat1": watts}
    p.run(60)
    assert pytest.approx(watts, abs=30) == p.points["bat1.setpoint_w"]
    p.cap(import_max_w=1_000, export_max_w=500).run(60)

    assert -1_020 <= p.points["bat1.setpoint_w"] <= 520
    assert p.longest_over_s(1_000, since=100) == 0
    assert p.longest_over_s(500, since=100, export=True) == 0


@pytest.mark.parametrize("delay_s", [2, 4])
def test_a_battery_that_takes_the_place_of_a_car_waits_until_the_car_has_obeyed(building, delay_s):
    p = building(soc_pct=80, ev_wants_w=11_040, loads_w={"street": 0.0, "tank": 0.0}, delay_s=delay_s)
    p.run(30).cap(import_max_w=4_000).run(300)
    assert p.bat_w < -4_000
    p.by_hand = {"bat1": 4_000.0}
    begin = p.t
    p.run(60)

    assert 0 == p.longest_over_s(4_000, since=begin)
    assert p.bat_w > -1_000


@pytest.mark.long
def test_a_lower_current_holds_and_a_higher_one_is_a_request(building):
    p = building(ev_wants_w=11_040, soc_pct=12, loads_w={"street": 0.0, "tank": 0.0})
    p.run(60).by_hand = {"ev1": 8.0}
    p.run(60)
    assert 8 == p.points["ev1.current_max_a"]
    p.by_hand = {"ev1": 16.0}
    p.cap(import_max_w=5_500).run(120)

    assert p.points["ev1.current_max_a"] < 8
    assert p.longest_over_s(5_500, since=150) == 0


def test_lights_are_set_by_hand_in_their_steps_and_never_below_half(building):
    p = building()
    p.run(30).by_hand = {"street": 3.0}
    p.run(60)

    assert 70 == p.points["street.dim_pct"]
    assert "70 % light: by hand, anna: filter changed" == str(p.state.book.orders["street.dim_pct"].reason)


def test_in_maintenance_an_asset_is_given_back_once_and_ordered_no_more(building):
    p = building(soc_pct=60, sun_w=3_000)
    p.run(60).by_hand = {"bat1": None, "pump": None, "cold": 0.0}
    begun = p.t
    p.run(30).by_hand = {"bat1": None, "pump": None}
    assert are_all_off(p, "cold")
    step_until(p, lambda: are_all_on(p, "cold"), 600).run(60)  # the next load may return 30 s after it

    assert [(begun, 0.0)] == p.written("bat1.setpoint_w", since=begun)
    assert [] == [t for t, _ in p.written("pump.relay_on", since=begun)]
    assert "maintenance, anna: filter changed" == p.view["assets"]["bat1"]["state"]


def test_what_takes_no_order_has_none_to_give_back_in_maintenance(building):
    p = building()
    p.run(30).by_hand = {"lift": None}
    p.run(1)

    assert ((), {}) == (p.decision.releases, dict(p.decision.lost))


@pytest.mark.long
def test_a_car_that_just_began_charges_at_its_floor_until_a_person_s_pause_is_due(building):
    p = building(ev_wants_w=11_040, soc_pct=12, loads_w={"street": 0.0, "tank": 0.0})
    p.run(30).by_hand = {"ev1": 0.0}
    p.run(130).by_hand = {}
    step_until(p, lambda: p.points["ev1.current_max_a"] > 0, 800)
    began = p.t - 1
    p.run(5).by_hand = {"ev1": 0.0}
    p.run(70)
    told = p.written("ev1.current_max_a", since=began)

    assert {6.0} == {value for t, value in told if t < began + 60}
    assert 0 == p.points["ev1.current_max_a"]
    assert next(t for t, value in told if value == 0) >= began + 60


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "value", "point", "expected"),
    [
        ("pump", 0.0, "pump.relay_on", 0),
        ("ev1", 0.0, "ev1.current_max_a", 0),
        ("tank", 2.0, "tank.sg_ready_state", 1),
    ],
)
def test_no_export_cap_brings_back_what_a_person_keeps_off(building, name, value, point, expected):
    p = building(loads_w={"pump": 1_000, "street": 0.0}, soc_pct=95)
    p.run(30).by_hand = {name: value}
    p.run(250)
    begun = p.t
    p.sun_w, p.soc_pct, p.bat_w = 6_000, 95, 0
    p.cap(export_max_w=0).run(60)

    assert {expected} == {v for _, v in p.written(point, since=begun)} | {p.points[point]}
    assert p.longest_over_s(0, since=begun + 1, export=True) <= 8


def test_the_caps_of_an_asset_in_maintenance_are_taken_by_the_others(building):
    p = building(loads_w={"pump": 2_000, "cold": 1_500, "street": 0.0, "tank": 0.0}, soc_pct=12)
    p.run(30).by_hand = {"pump": None}
    p.cap(import_max_w=3_000).run(60)

    assert 0 == p.points["cold.relay_on"]
    assert 1 == p.points["pump.relay_on"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("bat1", 6_000, "6000 W is outside -5000..5000 W"),
        ("bat1", -5_000, ""),
        ("pv1", 7_000, "7000 W is outside 0..6000 W"),
        ("ev1", 3, "3 A is neither 0 nor 6..16 A"),
        ("ev1", 0, ""),
        ("pump", 2, "it can be on or off alone"),
        ("pump", 1, ""),
        ("street", 9, "there is no such mode; expected one of 100 % light, 90 % light"),
        ("street", 5, ""),
    ],
)
def test_an_order_that_an_asset_cannot_follow_is_named(building, name, value, said):
    asset = next(one for one in building().house.assets if one.name == name)

    found = orders_overrides.find_override_fault(asset, float(value))
    assert said == found[: len(said)]
    assert bool(said) == bool(found)


def test_a_battery_that_nobody_ordered_is_its_own(house):
    battery = next(asset for asset in house.assets if isinstance(asset, Battery))

    assert orders_overrides.find_ordered_power_w(battery, {}) is None
    assert orders_overrides.find_ceiling(battery, {}) is None


S = 1_000_000_000
RELAY = Pv(name="roof", rated_w=5_000, curtail="relay")
LIMITED = Pv(name="pv1", rated_w=5_000, curtail="limit")
CAR = ChargePointAsset(name="ev1", rated_w=11_040)
PUMP = Load(name="pump", rated_w=1, tier="C", switchable=True, min_on_s=300)


def by_hand(name, value):
    return {name: Override(name, value, 0, 0, ANNA)}


@pytest.mark.parametrize(
    ("asset", "value", "keeps"),
    [
        (PUMP, 0.0, True),
        (PUMP, 1.0, False),
        (PUMP, None, False),
        (CAR, 0.0, True),
        (CAR, 6.0, False),
        (RELAY, 0.0, True),
        (RELAY, 1.0, False),
        (LIMITED, 0.0, False),
        (STREET, 0.0, False),
    ],
)
def test_only_what_a_person_switched_off_is_kept_off(asset, value, keeps):
    assert keeps is orders_overrides.is_kept_off(asset, by_hand(asset.name, value))
    assert not orders_overrides.is_kept_off(asset, by_hand("other", value))


@pytest.mark.parametrize(
    ("turn", "value", "after"),
    [
        (SwitchState(), 0.0, SwitchState(on=False, since_ns=900 * S, order_ns=900 * S)),
        (SwitchState(since_ns=600 * S), 0.0, SwitchState(on=False, since_ns=900 * S, order_ns=900 * S)),
        (SwitchState(since_ns=601 * S), 0.0, SwitchState(since_ns=601 * S)),
        (SwitchState(on=False, since_ns=5 * S), 0.0, SwitchState(on=False, since_ns=5 * S)),
        (SwitchState(), 1.0, SwitchState()),
        (SwitchState(), None, SwitchState()),
    ],
)
def test_a_persons_off_acts_once_the_minimum_time_is_over_and_is_no_second_switching(
    house, turn, value, after
):
    known = replace(house, assets=(PUMP, replace(PUMP, name="new")))

    assert {"pump": after} == orders_overrides.apply_overrides(
        known, {"pump": turn}, by_hand("pump", value), 900 * S
    )


def test_an_order_of_the_district_says_whose_document_it_is_and_is_none_of_a_person():
    ours = Override("bat1", 1_000.0, 0, 0, Origin("document", "command", "c1", 5))
    orders = {"bat1": ours, "pump": Override("pump", 0.0, 0, 0, ANNA)}

    assert "command, c1" == str(ours.reason)
    assert [False, True, False] == [records.is_by_hand(name, orders) for name in ("bat1", "pump", "heat")]


def test_no_plan_goes_before_a_deadline_or_comfort_that_claims_its_place():
    own = Preference(0, 0, 1, "C", make_reason("run.due", by="10:00"), claims=True)
    because = local_plan.LEADERS.then(make_reason("plan.waits_until", at="22:00"))
    plan = Override(TANK.name, 1.0, 10**9, 0, because.who, because=because)
    free = replace(own, claims=False)

    assert own == orders_overrides.apply_to_preference(TANK, {TANK.name: plan}, own)
    led = orders_overrides.apply_to_preference(TANK, {TANK.name: plan}, free)
    assert (1, "local plan: waits until 22:00") == (led.preferred_mode, str(led.reason))
    assert (
        1
        == orders_overrides.apply_to_preference(
            TANK, {TANK.name: replace(plan, who=ANNA, because=None)}, own
        ).preferred_mode
    )


def test_an_order_is_met_where_its_limit_is_reached():
    order = Override("ev1", 10.0, 10**9, 0, ANNA)

    assert order.reason == orders_overrides.make_limit_reached_reason("ev1", {"ev1": order}, 10.0)
    for overrides, value in (({}, 10.0), ({"ev1": order}, 9.0), ({"ev1": replace(order, value=None)}, 10.0)):
        assert orders_overrides.make_limit_reached_reason("ev1", overrides, value) is None
