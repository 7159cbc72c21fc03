import json
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.gateway.control.ordering import by_hand, document, settled
from tests.gateway.control.stepping import are_all_on, step_until

from quartier.control.orders import running_commands
from quartier.control.orders.commands import FailsafeTest, Ping, Release, SetMode, Setpoint, Shed
from quartier.control.orders.running_commands import ANSWERS_MAX, RestartFacts, RunningCommands
from quartier.control.records import Override
from quartier.control.requests import InstructionStatus
from quartier.site.records import Now
from quartier_drivers.contract import Origin


@pytest.fixture
def building(plant):
    def made(**more):
        plain = {"base_w": 500, "soc_pct": 60, "loads_w": {"heat": 2_000, "pump": 3_000, "cold": 1_500}}
        return settled(plant, **(plain | more))

    return made


def relays(p):
    return [p.points.get(f"{name}.relay_on", 1.0) for name in ("heat", "pump", "cold", "lift")]


@pytest.mark.parametrize(
    ("level", "stands"), [(1, [0, 1, 1, 1]), (2, [0, 0, 1, 1]), (3, [0, 0, 0, 1]), (0, [1, 1, 1, 1])]
)
def test_rule_shed_1_is_d_2_is_c_and_d_3_is_b_c_and_d_and_never_a(building, level, stands):
    p = building()
    p.command(Shed(level, 600))
    p.run(5)

    assert stands == relays(p)


def test_a_shed_pauses_charging_and_keeps_the_battery_from_the_grids_power(building):
    p = building(ev_wants_w=6_900, soc_pct=30)
    p.command(Shed(1, 600))
    p.command(Setpoint("bat1", 3_000, 600), 2)
    p.run(60)

    assert 0 == p.points["ev1.current_max_a"]
    assert p.points.get("bat1.setpoint_w", 0) <= 20, "no sun, so nothing to charge with"


@pytest.mark.long
def test_nothing_that_was_shed_comes_back_while_it_lasts_and_then_one_by_one(building):
    p = building()
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


def test_who_reads_the_ledger_sees_whose_command_it_was_and_until_when(building):
    p = building()
    begun = p.now().utc_ms
    p.command(Shed(1, 600))
    p.run(5)
    reason = p.state.book.orders["heat.relay_on"].reason

    assert "shed command c1: tier D off" == str(reason)
    assert ("document", "command", "c1", 1) == (reason.who.kind, reason.who.name, reason.who.id, 1)
    assert begun + 600_000 == reason.until_utc_ms


def test_what_a_person_ordered_is_left_by_a_shed(building):
    p = building()
    p.people = {"heat": by_hand("heat", 1.0)}
    p.command(Shed(1, 600))
    p.run(60)

    assert 1 == p.points.get("heat.relay_on", 1.0)


def test_a_battery_that_a_person_has_charge_goes_on_in_a_shed_inside_every_limit(building):
    p = building(soc_pct=30)
    p.people = {"bat1": by_hand("bat1", 3_000.0)}
    assert "LOCAL_OVERRIDE" == p.command(Shed(1, 600))[1]
    p.run(60)
    assert pytest.approx(3_000, abs=30) == p.points["bat1.setpoint_w"], "priority 3 goes before 4"
    p.cap(import_max_w=7_300).run(60)
    assert p.points["bat1.setpoint_w"] < 2_500, "limits bind it"


@pytest.mark.parametrize("watts", [2_000.0, -2_000.0])
def test_a_setpoint_is_followed_inside_every_cap(building, watts):
    p = building()
    p.command(Setpoint("bat1", watts, 600))
    p.run(60)
    assert pytest.approx(watts, abs=30) == p.points["bat1.setpoint_w"]
    p.cap(import_max_w=7_300, export_max_w=0).run(60)

    assert p.longest_over_s(7_300, since=105) == 0
    assert p.longest_over_s(0, since=105, export=True) == 0


def test_a_setpoint_ends_with_its_time(building):
    p = building()
    p.command(Setpoint("bat1", 2_000, 100))
    p.run(99)
    assert pytest.approx(2_000, abs=30) == p.points["bat1.setpoint_w"]
    p.run(60)

    assert p.points["bat1.setpoint_w"] < 0, "self-consumption again"


def test_the_order_is_people_then_maintenance_then_setpoints_then_manual(building):
    p = building()
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


def test_a_command_goes_before_a_schedule_and_a_person_before_both(building):
    p = building()
    planned = Override("bat1", 800.0, 10**15, 0, Origin("document", "schedule bat1", "s1", 1))

    def order():
        given = {"bat1": planned, **p.people}
        return running_commands.collect_overrides(p.commands, p.house, given, p.now().ns)["bat1"].value

    assert 800 == order()
    p.command(Setpoint("bat1", 1_000, 600), 2)
    assert 1_000 == order()
    p.people = {"bat1": by_hand("bat1", -500.0)}
    assert -500 == order()


def test_in_manual_the_battery_rests_and_in_maintenance_it_is_given_back_without_an_alarm(building):
    p = building()
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


def test_a_setpoint_of_an_asset_that_is_gone_asks_nothing(building, with_house):
    p = building()
    p.command(Setpoint("ev1", 6_900, 600))

    assert {} == running_commands.collect_overrides(p.commands, with_house("bat1"), {}, p.now().ns)


def test_a_test_asks_nothing_of_assets_by_itself(building):
    p = building()
    p.command(FailsafeTest(60))

    assert ({}, {}) == (
        running_commands.collect_overrides(p.commands, p.house, {}, p.now().ns),
        running_commands.find_commanded_tiers(p.commands, p.now().ns),
    )


EPOCH_MS = 1_790_000_000_000
SHED, DISCHARGE = Shed(1, 600), Setpoint("bat1", -2_000, 600)


def at(t, *, synced=True, wall_s=None):
    return Now(t * 10**9, EPOCH_MS + (t if wall_s is None else wall_s) * 1000, synced)


def told(*requests, t=100):
    commands, acks = RunningCommands(), []
    for seq, request in enumerate(requests, 1):
        commands, more = running_commands.accept_command(commands, document(request, seq), "", at(t))
        acks += more
    return commands, [(ack.id, ack.status) for ack in acks]


def again(commands, now, *, outage=False, **since):
    facts = json.loads(json.dumps(running_commands.dump_commands(commands)))
    return running_commands.load_commands(facts, now, outage=outage, since=RestartFacts(**since))


def test_a_command_runs_for_its_time_and_no_longer():
    commands, _ = told(SHED)

    assert [1, 0] == [len([*commands.now(at(t).ns)]) for t in (699, 700)]
    assert at(700).ns == commands.find_shed_end_ns(at(699).ns)
    assert commands.find_shed_end_ns(at(700).ns) is None


def test_rule_revoked_a_newer_command_of_the_same_place_takes_it():
    commands, acks = told(SHED, Shed(2, 600))

    assert [("c1", "ACCEPTED"), ("c1", "REVOKED"), ("c2", "ACCEPTED")] == acks
    assert ["c2"] == [one.document.id for one in commands.running]


def test_commands_of_different_places_run_beside_each_other():
    commands, acks = told(SHED, DISCHARGE, Setpoint("ev1", 0, 60), SetMode("manual", 60), Ping())

    assert ["ACCEPTED"] * 5 == [status for _, status in acks]
    assert ["c1", "c2", "c3", "c4"] == [one.document.id for one in commands.running]


@pytest.mark.parametrize(
    ("last", "left"), [(Release(), []), (Shed(0, 9), ["c2"]), (SetMode("auto", 0), ["c1", "c2"])]
)
def test_a_release_ends_all_and_an_end_its_own(last, left):
    commands, acks = told(SHED, DISCHARGE, last)

    assert left == [one.document.id for one in commands.running]
    assert 2 - len(left) == [status for _, status in acks].count("REVOKED")


def test_a_test_runs_from_when_it_came():
    commands, _ = told(FailsafeTest(60))

    assert (at(100).ns, at(160).ns) == commands.test_ns(at(159).ns)
    assert commands.test_ns(at(160).ns) is None


def test_rule_same_seq_same_bytes_is_answered_with_the_last_word():
    commands, _ = told(SHED)
    commands, _ = running_commands.set_command_status(commands, document(SHED), InstructionStatus.SUCCEEDED)

    assert "SUCCEEDED" == commands.find_last_ack(document(SHED)).status
    assert [InstructionStatus.SUCCEEDED] == [one.status for one in commands.running]


def test_a_command_of_whose_effect_nothing_is_known_is_over_and_may_be_sent_anew():
    said = RunningCommands().find_last_ack(document(SHED))

    assert ("TEMPORARY_ERROR", "ABORTED") == (said.reception, said.status)


def test_the_last_words_are_bounded():
    commands, _ = told(*[Ping()] * (ANSWERS_MAX + 5))

    assert ANSWERS_MAX == len(commands.last_acks)
    assert f"c{ANSWERS_MAX + 5}" == commands.last_acks[-1].id


def test_what_is_aborted_no_longer_runs_and_what_ends_keeps_its_last_word():
    commands, _ = told(SHED, DISCHARGE)
    commands, ack = running_commands.set_command_status(
        commands, document(SHED), InstructionStatus.ABORTED, "SAFETY"
    )
    commands = running_commands.end_command(commands, document(DISCHARGE, 2))

    assert ((), "SAFETY") == (commands.running, ack.reason)
    assert "ACCEPTED" == commands.find_last_ack(document(DISCHARGE, 2)).status


# Over a restart


def test_a_restart_drops_nothing():
    commands, _ = told(SHED, DISCHARGE, SetMode("manual", 600), FailsafeTest(500))
    after, acks = again(commands, at(300))

    assert ([], commands.running) == (acks, after.running)
    assert commands.last_acks == after.last_acks


def test_a_shed_lasts_at_least_as_long_as_it_said_by_what_is_certain():
    commands, _ = told(SHED)
    new_boot, sooner = at(5, wall_s=400), at(5, wall_s=400, synced=False)

    assert at(305).ns == again(commands, new_boot)[0].find_shed_end_ns(new_boot.ns), "300 s of it passed"
    assert at(605).ns == again(commands, sooner)[0].find_shed_end_ns(sooner.ns), (
        "nobody knows how long it ran"
    )
    late = at(900)
    assert again(commands, late)[0].find_shed_end_ns(late.ns) is None


@pytest.mark.parametrize(
    ("now", "outage"), [(at(300, synced=False), False), (at(300), True), (at(5, wall_s=701), False)]
)
def test_a_setpoint_ends_where_nobody_knows_its_time_or_the_grid_was_gone(now, outage):
    commands, _ = told(SHED, DISCHARGE, SetMode("manual", 600))
    after, acks = again(commands, now, outage=outage)

    assert [("c2", "ABORTED", "SAFETY"), ("c3", "ABORTED", "SAFETY")] == [
        (ack.id, ack.status, ack.reason) for ack in acks
    ]
    assert ["c1"] == [one.document.id for one in after.running]


@pytest.mark.parametrize("wall_s", [-(10**9), 50, 300, 10**9])
def test_while_the_machine_goes_on_no_wall_clock_changes_how_long_a_command_lasts(wall_s):
    commands, _ = told(SHED, DISCHARGE, SetMode("manual", 600), FailsafeTest(500))
    after, acks = again(commands, at(300, wall_s=wall_s), same_boot=True)

    assert ([], commands.running) == (acks, after.running)
    gone, _ = again(commands, at(300, wall_s=wall_s), outage=True, same_boot=True)
    assert ["c1", "c4"] == [one.document.id for one in gone.running]


@pytest.mark.parametrize("wall_s", [-(10**9), 50, 400, 10**9])
def test_over_a_reboot_a_shed_goes_on_for_what_was_counted_of_it(wall_s):
    commands, _ = told(SHED)
    now = at(5, wall_s=wall_s)

    assert at(65).ns == again(commands, now, ends_ns={Shed: at(65).ns})[0].find_shed_end_ns(now.ns)
    assert at(605).ns == again(commands, now, ends_ns={Shed: at(9_000).ns})[0].find_shed_end_ns(now.ns)
    assert again(commands, now, ends_ns={Shed: at(4).ns})[0].find_shed_end_ns(now.ns) is None


def test_a_clock_set_back_gives_a_setpoint_no_more_time():
    commands, _ = told(DISCHARGE)
    now = at(400, wall_s=50)

    assert () == again(commands, now)[0].running, "a clock before its begin says nothing of how long it ran"


@pytest.mark.parametrize("facts", [{}, {"running": [{}], "answered": []}, {"running": 3, "answered": []}])
def test_what_is_broken_is_said(facts):
    with pytest.raises(ValueError, match="broken"):
        running_commands.load_commands(facts, at(1), outage=False)


def test_a_dump_changes_only_when_something_happens():
    commands, _ = told(SHED)

    assert running_commands.dump_commands(commands) == running_commands.dump_commands(replace(commands))
