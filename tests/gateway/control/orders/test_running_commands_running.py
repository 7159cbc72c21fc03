import json
from dataclasses import replace

import pytest
from tests.gateway.control.ordering import document

from quartier.control.orders import running_commands
from quartier.control.orders.commands import FailsafeTest, Ping, Release, SetMode, Setpoint, Shed
from quartier.control.orders.running_commands import ANSWERS_MAX, RestartFacts, RunningCommands
from quartier.control.requests import InstructionStatus
from quartier.site.records import Now

EPOCH_MS = 1_790_000_000_000
SHED, DISCHARGE = Shed(1, 600), Setpoint("bat1", -2_000, 600)


def at(t, *, synced=True, wall_s=None):
    return Now(t * 10**9, EPOCH_MS + (t if wall_s is None else wall_s) * 1000, synced)


def told(*wishes, t=100):
    commands, acks = RunningCommands(), []
    for seq, wish in enumerate(wishes, 1):
        commands, more = running_commands.accept_command(commands, document(wish, seq), "", at(t))
        acks += more
    return commands, [(ack.id, ack.status) for ack in acks]


def again(commands, now, *, outage=False, **since):
    facts = json.loads(json.dumps(running_commands.dump_commands(commands)))
    return running_commands.load_commands(facts, now, outage=outage, since=RestartFacts(**since))


def test_a_command_runs_for_its_time_and_no_longer():
    commands, _ = told(SHED)

    assert [1, 0] == [len([*commands.now(at(t).ns)]) for t in (699, 700)]
    assert at(700).ns == commands.shed_until_ns(at(699).ns)
    assert commands.shed_until_ns(at(700).ns) is None


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

    assert "SUCCEEDED" == commands.said(document(SHED)).status
    assert [InstructionStatus.SUCCEEDED] == [one.status for one in commands.running]


def test_a_command_of_whose_effect_nothing_is_known_is_over_and_may_be_sent_anew():
    said = RunningCommands().said(document(SHED))

    assert ("TEMPORARY_ERROR", "ABORTED") == (said.reception, said.status)


def test_the_last_words_are_bounded():
    commands, _ = told(*[Ping()] * (ANSWERS_MAX + 5))

    assert ANSWERS_MAX == len(commands.answered)
    assert f"c{ANSWERS_MAX + 5}" == commands.answered[-1].id


def test_what_is_aborted_no_longer_runs_and_what_ends_keeps_its_last_word():
    commands, _ = told(SHED, DISCHARGE)
    commands, ack = running_commands.set_command_status(
        commands, document(SHED), InstructionStatus.ABORTED, "SAFETY"
    )
    commands = running_commands.end_command(commands, document(DISCHARGE, 2))

    assert ((), "SAFETY") == (commands.running, ack.reason)
    assert "ACCEPTED" == commands.said(document(DISCHARGE, 2)).status


# Over a restart


def test_a_restart_drops_nothing():
    commands, _ = told(SHED, DISCHARGE, SetMode("manual", 600), FailsafeTest(500))
    after, acks = again(commands, at(300))

    assert ([], commands.running) == (acks, after.running)
    assert commands.answered == after.answered


def test_a_shed_lasts_at_least_as_long_as_it_said_by_what_is_certain():
    commands, _ = told(SHED)
    new_boot, sooner = at(5, wall_s=400), at(5, wall_s=400, synced=False)

    assert at(305).ns == again(commands, new_boot)[0].shed_until_ns(new_boot.ns), "300 s of it passed"
    assert at(605).ns == again(commands, sooner)[0].shed_until_ns(sooner.ns), "nobody knows how long it ran"
    late = at(900)
    assert again(commands, late)[0].shed_until_ns(late.ns) is None


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

    assert at(65).ns == again(commands, now, ends_ns={Shed: at(65).ns})[0].shed_until_ns(now.ns)
    assert at(605).ns == again(commands, now, ends_ns={Shed: at(9_000).ns})[0].shed_until_ns(now.ns)
    assert again(commands, now, ends_ns={Shed: at(4).ns})[0].shed_until_ns(now.ns) is None


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
