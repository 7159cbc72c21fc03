from itertools import pairwise

import pytest
from tests.gateway.control.ordering import by_hand, settled
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.control.orders import running_commands
from quartier.control.orders.commands import FailsafeTest, Release, SetMode, Setpoint, Shed
from quartier.control.records import Override
from quartier_drivers.contract import Origin


@pytest.fixture
def town(plant):
    def made(**more):
        plain = {"base_w": 500, "soc_pct": 60, "loads_w": {"heat": 2_000, "pump": 3_000, "cold": 1_500}}
        return settled(plant, **(plain | more))

    return made


def relays(p):
    return [p.points.get(f"{name}.relay_on", 1.0) for name in ("heat", "pump", "cold", "lift")]


@pytest.mark.parametrize(
    ("level", "stands"), [(1, [0, 1, 1, 1]), (2, [0, 0, 1, 1]), (3, [0, 0, 0, 1]), (0, [1, 1, 1, 1])]
)
def test_rule_shed_1_is_d_2_is_c_and_d_3_is_b_c_and_d_and_never_a(town, level, stands):
    p = town()
    p.command(Shed(level, 600))
    p.run(5)

    assert stands == relays(p)


def test_a_shed_pauses_charging_and_keeps_the_battery_from_the_grids_power(town):
    p = town(ev_wants_w=6_900, soc_pct=30)
    p.command(Shed(1, 600))
    p.command(Setpoint("bat1", 3_000, 600), 2)
    p.run(60)

    assert 0 == p.points["ev1.current_max_a"]
    assert p.points.get("bat1.setpoint_w", 0) <= 20, "no sun, so nothing to charge with"


@pytest.mark.long
def test_nothing_that_was_shed_comes_back_while_it_lasts_and_then_one_by_one(town):
    p = town()
    begun = p.t
    p.command(Shed(3, 450))  # without it they would be back after 180 s
    p.run(450)
    assert [0, 0, 0] == relays(p)[:3]
    step_until(p, lambda: are_all_on(p, "heat", "pump", "cold"), 1_200)
    back = sorted(
        next(t for t, on in p.written(f"{name}.relay_on", begun) if on) for name in ("heat", "pump", "cold")
    )

    assert back[0] >= begun + 450
    assert all(later - sooner >= 30 for sooner, later in pairwise(back))


def test_who_reads_the_ledger_sees_whose_command_it_was_and_until_when(town):
    p = town()
    begun = p.now().utc_ms
    p.command(Shed(1, 600))
    p.run(5)
    reason = p.state.book.orders["heat.relay_on"].reason

    assert "shed command c1: tier D off" == str(reason)
    assert ("document", "command", "c1", 1) == (reason.who.kind, reason.who.name, reason.who.id, 1)
    assert begun + 600_000 == reason.until_utc_ms


def test_what_a_person_ordered_is_left_by_a_shed(town):
    p = town()
    p.people = {"heat": by_hand("heat", 1.0)}
    p.command(Shed(1, 600))
    p.run(60)

    assert 1 == p.points.get("heat.relay_on", 1.0)


def test_a_battery_that_a_person_has_charge_goes_on_in_a_shed_inside_every_limit(town):
    p = town(soc_pct=30)
    p.people = {"bat1": by_hand("bat1", 3_000.0)}
    assert "LOCAL_OVERRIDE" == p.command(Shed(1, 600))[1]
    p.run(60)
    assert pytest.approx(3_000, abs=30) == p.points["bat1.setpoint_w"], "priority 3 goes before 4"
    p.cap(import_max_w=7_300).run(60)
    assert p.points["bat1.setpoint_w"] < 2_500, "limits bind it"


@pytest.mark.parametrize("watts", [2_000.0, -2_000.0])
def test_a_setpoint_is_followed_inside_every_cap(town, watts):
    p = town()
    p.command(Setpoint("bat1", watts, 600))
    p.run(60)
    assert pytest.approx(watts, abs=30) == p.points["bat1.setpoint_w"]
    p.cap(import_max_w=7_300, export_max_w=0).run(60)

    assert p.longest_over_s(7_300, since=105) == 0
    assert p.longest_over_s(0, since=105, export=True) == 0


def test_a_setpoint_ends_with_its_time(town):
    p = town()
    p.command(Setpoint("bat1", 2_000, 100))
    p.run(99)
    assert pytest.approx(2_000, abs=30) == p.points["bat1.setpoint_w"]
    p.run(60)

    assert p.points["bat1.setpoint_w"] < 0, "self-consumption again"


def test_the_order_is_people_then_maintenance_then_setpoints_then_manual(town):
    p = town()
    p.command(SetMode("manual", 600))
    p.command(Setpoint("ev1", 6_900, 600), 2)

    def orders():
        found = running_commands.collect_overrides(p.commands, p.house, p.people, p.now().ns)
        return {name: one.value for name, one in found.items()}

    assert {"bat1": 0.0, "ev1": 10.0} == orders()
    p.command(Setpoint("bat1", 1_000, 600), 3)
    assert {"bat1": 1_000, "ev1": 10.0} == orders()
    p.command(SetMode("maintenance", 600), 4)
    assert {"bat1": None, "ev1": 10.0} == orders()
    p.people = {"bat1": by_hand("bat1", -500.0)}
    assert {"bat1": -500, "ev1": 10.0} == orders()


def test_a_command_goes_before_a_schedule_and_a_person_before_both(town):
    p = town()
    planned = Override("bat1", 800.0, 10**15, 0, Origin("document", "schedule bat1", "s1", 1))

    def order():
        given = {"bat1": planned, **p.people}
        return running_commands.collect_overrides(p.commands, p.house, given, p.now().ns)["bat1"].value

    assert 800 == order()
    p.command(Setpoint("bat1", 1_000, 600), 2)
    assert 1_000 == order()
    p.people = {"bat1": by_hand("bat1", -500.0)}
    assert -500 == order()


def test_in_manual_the_battery_rests_and_in_maintenance_it_is_given_back_without_an_alarm(town):
    p = town()
    p.command(SetMode("manual", 600))
    p.run(60)
    assert 0 == p.points["bat1.setpoint_w"]
    p.command(SetMode("maintenance", 600), 2)
    p.run(5)

    assert "command, c2" == p.view["assets"]["bat1"]["state"]
    assert [] == p.view["alarms"]
    p.command(Release(), 3)
    p.run(60)
    assert p.points["bat1.setpoint_w"] < 0


def test_a_setpoint_of_an_asset_that_is_gone_asks_nothing(town, with_house):
    p = town()
    p.command(Setpoint("ev1", 6_900, 600))

    assert {} == running_commands.collect_overrides(p.commands, with_house("bat1"), {}, p.now().ns)


def test_a_test_asks_nothing_of_assets_by_itself(town):
    p = town()
    p.command(FailsafeTest(60))

    assert ({}, {}) == (
        running_commands.collect_overrides(p.commands, p.house, {}, p.now().ns),
        running_commands.find_commanded_tiers(p.commands, p.now().ns),
    )
