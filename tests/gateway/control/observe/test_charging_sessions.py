"""What is known of a car at its point, from what the charger says and what it takes."""

from dataclasses import replace

import pytest

from quartier.control.observe import charging_sessions, phases
from quartier.control.observe.charging_sessions import ChargingSession, Uptake
from quartier.control.observe.observations import LastGood
from quartier.control.reason import NO_REASON
from quartier.control.records import Order
from quartier.control.switch_state import SwitchState
from quartier.site.asset_types import ChargePointAsset
from quartier.site.records import Now
from quartier.site.site_layout import Node

S = 1_000_000_000
EV = ChargePointAsset(name="ev1", rated_w=11_040, l1_on="l2")
FREE = SwitchState()
NOON = Now(0, 43_200_000, synced=True)


def seen(at_s=0.0, **values):
    return {f"ev1.{name}": LastGood(float(value), round(at_s * S)) for name, value in values.items()}


def currents(*amperes, at_s=0.0, **more):
    named = {f"current_l{k}_a": ampere for k, ampere in enumerate(amperes, 1)}
    return seen(at_s, power_w=230.0 * sum(amperes), **named, **more)


@pytest.fixture
def followed(house):
    """``followed(seconds, memories, stay, turn)``: the stay after each second of just that."""
    branched = replace(house, assets=(EV,), nodes=(Node(name="a", fuse_a=63),))

    def make(seconds, memories, before=None, turn=FREE, begin_s=0):
        here = {} if before is None else {"ev1": before}
        for t in range(begin_s, begin_s + seconds + 1):
            now = Now(t * S, 43_200_000 + t * 1000, synced=True)
            fresh = {name: LastGood(memory.value, t * S) for name, memory in memories.items()}
            here = charging_sessions.update_sessions(branched, here, {"ev1": turn}, fresh, 1.0, now)
        return here.get("ev1")

    return make


def test_a_car_that_is_away_has_no_stay_and_an_unknown_one_may_be_there(followed):
    assert followed(1, seen(plugged_on=0, power_w=0)) is None
    assert followed(1, seen(power_w=0)) is not None


def test_stays_are_followed_in_a_house_without_a_tree_too(house):
    assert {"ev1": ChargingSession(0)} == charging_sessions.update_sessions(
        replace(house, assets=(EV,)), {}, {}, {}, 1.0, NOON
    )


def test_what_a_car_got_is_forgotten_while_its_point_is_silent_for_another_may_stand_there_then(followed):
    assert followed(30, seen(plugged_on=1, power_w=7_200)).charged_wh > 50
    assert 0.0 == followed(1, {}, ChargingSession(0, charged_wh=5_000.0)).charged_wh
    assert Uptake() == followed(1, {}, ChargingSession(0, uptake=Uptake(sure_w=3_680.0))).uptake
    assert (
        700.0
        == followed(1, seen(power_w=0, session_energy_wh=700), ChargingSession(0, charged_wh=0.0)).charged_wh
    )


def test_the_phases_of_a_car_are_believed_after_a_while_and_one_more_at_once(followed):
    young = followed(10, currents(16, 0, 0))
    assert (None, 3) == (young.used, charging_sessions.count_phases(EV, young))

    sure = followed(25, currents(16, 0, 0))
    assert ((True, False, False), 1) == (sure.used, charging_sessions.count_phases(EV, sure))
    assert (0.0, 1.0, 0.0) == charging_sessions.find_session_share(EV, sure, phases.ANY_PHASE).parts

    assert (True, True, False) == followed(0, currents(16, 16, 0), sure, begin_s=26).used
    assert (True, False, False) == followed(30, currents(0, 0, 0), sure, begin_s=26).used, (
        "paused says nothing"
    )


def test_a_point_of_unknown_wiring_counts_its_car_on_each_phase():
    here = ChargingSession(0, used=(True, False, False))

    assert phases.PhaseShare((1.0, 1.0, 1.0), known=False) == charging_sessions.find_session_share(
        replace(EV, l1_on=None), here, phases.ANY_PHASE
    )
    assert phases.ALL_PHASES == charging_sessions.find_session_share(EV, None, phases.ANY_PHASE)


def test_a_car_that_takes_nothing_for_a_minute_is_idle_and_wakes_at_once(followed):
    assert not followed(59, seen(power_w=50)).is_idle(59 * S)
    idle = followed(60, seen(power_w=50))
    assert idle.is_idle(60 * S)
    assert not followed(0, seen(power_w=4_000), idle, begin_s=61).is_idle(61 * S)
    assert followed(100, seen(power_w=0), turn=SwitchState(on=False)).idle_ns is None, "a paused one is not"


def test_a_car_below_its_order_is_held_to_what_it_takes_and_a_little(followed):
    memories = currents(8, 8, 8, at_s=31)
    here = followed(31, memories)

    assert 10.0 == charging_sessions.find_usable_current_a(EV, here, memories, 31 * S)
    assert 16.0 == charging_sessions.find_usable_current_a(EV, followed(20, memories), memories, 20 * S)
    at_its_order = followed(31, memories, turn=SwitchState(limit_w=9.0 * 690))
    assert 16.0 == charging_sessions.find_usable_current_a(EV, at_its_order, memories, 31 * S)


def test_energy_is_what_the_charger_says_else_what_was_seen(followed):
    assert 4_000 == pytest.approx(followed(3_599, seen(power_w=4_000)).charged_wh)
    assert 7_000 == followed(5, seen(power_w=4_000, session_energy_wh=7_000)).charged_wh


def test_waiting_counts_against_patience_and_charging_pays_it_back(followed):
    waited = followed(100, seen(power_w=0), turn=SwitchState(on=False))
    assert charging_sessions.UNMET_ORDER_S - 101 == charging_sessions.find_laxity_s(
        EV, waited, {}, NOON, "UTC"
    )
    assert 51 == followed(49, seen(power_w=4_000), waited, begin_s=101).waited_s


def test_laxity_is_what_is_left_after_charging_at_full_current():
    ev = replace(EV, departure_s=46_800.0, energy_wanted_wh=11_040.0)

    assert 0.0 == pytest.approx(charging_sessions.find_laxity_s(ev, ChargingSession(0), {}, NOON, "UTC"))
    assert 1_800 == pytest.approx(
        charging_sessions.find_laxity_s(ev, ChargingSession(0, charged_wh=5_520.0), {}, NOON, "UTC")
    )
    assert 86_400 == charging_sessions.find_laxity_s(
        ev, ChargingSession(0, charged_wh=12_000.0), {}, NOON, "UTC"
    )
    one_phase = ChargingSession(0, used=(True, False, False))
    assert -7_200 == pytest.approx(charging_sessions.find_laxity_s(ev, one_phase, {}, NOON, "UTC"))


def test_what_a_car_takes_is_watched_while_it_charges_by_its_currents_where_they_are_read(followed):
    by_currents = followed(60, currents(10, 0, 0)).uptake
    by_power = followed(60, seen(power_w=3_680)).uptake

    assert (2_300.0, 1, True) == (by_currents.sure_w, by_currents.phases_count, by_currents.is_all)
    assert (3_680.0, 1, False) == (by_power.sure_w, by_power.phases_count, by_power.is_all)
    assert not followed(60, seen(power_w=3_680), turn=SwitchState(on=False)).uptake.is_known
    assert not followed(60, seen(power_w=100)).uptake.is_known


def test_a_car_that_a_plan_holds_below_its_turn_takes_not_all_that_it_can(house):
    branched, here = replace(house, assets=(EV,)), {}
    for t in range(61):
        now = Now(t * S, 43_200_000 + t * 1000, synced=True)
        orders = {"ev1.current_max_a": Order(8.0, 0, NO_REASON)}
        here = charging_sessions.update_sessions(
            branched, here, {"ev1": FREE}, currents(8, 0, 0, at_s=t), 1.0, now, orders=orders
        )
    uptake = here["ev1"].uptake

    assert (1_840.0, False) == (uptake.sure_w, uptake.is_all)


def test_a_car_that_takes_a_third_can_wait_a_third_as_long():
    ev = replace(EV, departure_s=46_800.0, energy_wanted_wh=1_380.0)
    held = ChargingSession(0, uptake=Uptake(sure_w=2_760.0, is_all=True, phases_count=1))

    assert 3_600 - 1_800 == pytest.approx(charging_sessions.find_laxity_s(ev, held, {}, NOON, "UTC"))
    assert 0.0 == pytest.approx(
        charging_sessions.find_laxity_s(ev, ChargingSession(0), {}, NOON, "UTC", is_sure=True)
    )
    assert 3_600 - 450 == pytest.approx(
        charging_sessions.find_laxity_s(ev, ChargingSession(0), {}, NOON, "UTC")
    )
    assert 6.0 == pytest.approx(charging_sessions.find_needed_current_a(ev, held, {}, NOON, "UTC"))


def test_the_charger_is_believed_before_the_site_file():
    ev = replace(EV, departure_s=46_800.0, energy_wanted_wh=11_040.0)
    memories = seen(departure_in_s=7_200, energy_wanted_wh=5_520)

    assert 7_190 == charging_sessions.find_departure_s(ev, memories, Now(10 * S, 0, synced=True), "UTC")
    assert 5_520 == charging_sessions.find_missing_energy_wh(ev, ChargingSession(0), memories, 0)
    assert 4.0 == pytest.approx(
        charging_sessions.find_needed_current_a(ev, ChargingSession(0), memories, NOON, "UTC")
    )


def test_a_car_that_ought_to_be_gone_needs_all_that_it_can_take():
    memories = seen(departure_in_s=10, energy_wanted_wh=5_520)

    assert 16.0 == charging_sessions.find_needed_current_a(
        EV, ChargingSession(0), memories, Now(10 * S, 0, synced=True), "UTC"
    )


def test_nobody_knows_a_departure_by_a_clock_that_is_not_trusted():
    ev = replace(EV, departure_s=46_800.0, energy_wanted_wh=11_040.0)
    lost = Now(0, 0, synced=False)

    assert charging_sessions.find_departure_s(ev, {}, lost, "UTC") is None
    assert charging_sessions.UNMET_ORDER_S == charging_sessions.find_laxity_s(
        ev, ChargingSession(0), {}, lost, "UTC"
    )
    assert 0.0 == charging_sessions.find_needed_current_a(ev, ChargingSession(0), {}, lost, "UTC")


def test_one_that_takes_more_than_it_may_does_not_obey_once_it_had_time():
    assert charging_sessions.is_order_ignored(SwitchState(), 6.0, 10.0, 0)
    assert not charging_sessions.is_order_ignored(SwitchState(order_ns=0), 6.0, 10.0, 6 * S - 1)
    assert charging_sessions.is_order_ignored(SwitchState(order_ns=0), 6.0, 10.0, 6 * S)
    assert not charging_sessions.is_order_ignored(SwitchState(), 9.5, 10.0, 0)
