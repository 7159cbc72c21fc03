from dataclasses import replace

import pytest

from quartier.cli.installer import bus_plan
from quartier.commissioning.bus_planning.bus_plan import list_bus_tasks, plan_bus
from quartier.commissioning.bus_planning.simulated_bus import AssumedAnswers
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.device_profile import loading


def test_a_bus_that_has_time_is_planned_without_a_problem(wire):
    found = plan_bus(wire(5), AssumedAnswers(), 2)

    assert ("", ()) == (found.problem, found.remedies)
    assert 5 * (0.03 + 0.03 / 60) * 100 == pytest.approx(found.load.use_pct)
    assert 10 * 0.03 == pytest.approx(found.load.cycle_s)
    assert not found.is_tight
    assert [("m5",), ("m4", "m5")] == [one.dead for one in found.silent]
    assert all(one.kept_pct > 95 and 0 < one.lost_pct < 4 for one in found.silent)


def test_a_scan_class_that_cannot_be_is_named_with_what_would_help(wire):
    found = plan_bus(wire(4, fast_s=0.1), AssumedAnswers(), 0)

    assert "bus rs1: 0.12 s of work each 0.1 s" == found.problem
    assert (
        "a period of 0.2 s (60 %)",
        "19200 baud, at every device too (70 %)",
        "move m1 and m2 to another bus (60 %)",
    ) == found.remedies


def test_a_device_that_wants_longer_rests_than_its_class_leaves_is_named(wire):
    found = plan_bus(wire(1, fast_s=0.5, pause_s=0.6), AssumedAnswers(), 0)

    assert found.problem.startswith("bus rs1: m1 wants rests")
    assert found.remedies


def test_a_device_that_is_slower_than_anybody_waits_is_named_with_the_key_that_helps(wire):
    found = plan_bus(wire(2, timeout_s=0.5), AssumedAnswers(None, {"m2": 0.8}), 1)

    assert "bus rs1: m2 begins its answer after 0.8 s, and timeout_s is 0.5 s" == found.problem
    assert ("timeout_s = 1.6, if it is so slow indeed",) == found.remedies


def test_a_slow_answer_costs_the_bus_its_time(wire):
    quick = plan_bus(wire(5), AssumedAnswers(0.005), 0).load
    slow = plan_bus(wire(5), AssumedAnswers(0.105), 0).load

    assert 1.0 == pytest.approx(slow.cycle_s - quick.cycle_s)


def test_a_lonely_device_has_no_others_that_its_silence_could_hold_up(wire):
    assert () == plan_bus(wire(1), AssumedAnswers(), 3).silent


def test_over_tcp_the_answers_are_all_the_time_there_is(wire):
    found = plan_bus(wire(4, kind="modbus-tcp", pause_s=0.0), AssumedAnswers(0.02), 1)

    assert 4 * 2 * 0.02 == pytest.approx(found.load.cycle_s)
    assert ("m4",) == found.silent[0].dead
    assert found.silent[0].kept_pct > 90


@pytest.mark.parametrize(("fast_s", "tight"), [(1.0, False), (0.17, True)])
def test_a_bus_with_little_left_is_said_to_be_tight(wire, fast_s, tight):
    assert tight == plan_bus(wire(5, fast_s=fast_s), AssumedAnswers(), 0).is_tight


def test_a_bus_whose_only_device_pauses_most_of_the_time_is_tight_and_says_so(wire, capsys):
    mostly = wire(1, kind="modbus-tcp", pause_s=0.45, fast_s=0.5, answer_s=0.002)
    found = plan_bus(mostly, AssumedAnswers(), 0)

    assert found.is_tight
    assert (True, True) == (found.load.use_pct < 1, found.load.busiest_pct > 85)
    bus_plan.print_plans([mostly], {"rs1": found}, AssumedAnswers())
    said = capsys.readouterr().out
    assert " % of the time of m1, its pauses included; under 1 % of the bus's time" in said
    assert "Little is left on rs1 for orders" in said


def test_every_device_that_is_known_and_asked_over_modbus_can_be_planned(wire):
    found = {}
    for name in loading.list_profiles():
        loaded = loading.load_profile(name)
        if loaded.protocol in ("modbus", "sunspec"):
            spec = DeviceSpec("d1", 1, {part: f"a{at}" for at, part in enumerate(loaded.parts)})
            found[name] = list_bus_tasks(replace(wire(0), devices=((spec, loaded),)), AssumedAnswers())

    assert len(found) > 60
    assert [] == [name for name, wanted in found.items() if not wanted]
