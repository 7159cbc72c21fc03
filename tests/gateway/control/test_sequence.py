"""The order of a turn: what one part judges, those after it know in the same turn."""

from dataclasses import replace
from math import inf

import pytest
from tests.gateway.control.ordering import by_hand, document

from quartier.control import sequence
from quartier.control.link.state import LinkMode
from quartier.control.orders import running_commands
from quartier.control.orders.commands import FailsafeTest, Shed
from quartier.control.orders.running_commands import RunningCommands
from quartier.control.reason import make_text_reason
from quartier.control.requests import LocalPlan, PlanAim
from quartier.control.state import ControlState
from quartier.site.process_image import ProcessImage
from quartier.site.records import Now
from quartier_drivers.readings import Quality, Reading, make_readings

EPOCH_MS = 1_790_000_000_000


@pytest.fixture
def turn(drive, house):
    """Turns with a voltage that the grid meter says, after a document was accepted."""
    found = drive().controlled()
    measured = replace(house, grid=replace(house.grid, voltage_period_s=1.0))
    image, kept = ProcessImage(), [ControlState.fresh(measured), found.state]

    def make(at_s, volts, by_hand=None, commands=sequence.NO_COMMANDS, plan=None, more=None):
        found.t = at_s
        seen = {"grid.power_w": 500.0} | {f"grid.voltage_l{k}_v": volts for k in (1, 2, 3)} | (more or {})
        said = (Reading(point, value, Quality.GOOD, found.now.ns) for point, value in seen.items())
        image.put(make_readings(said, found.now.ns))
        frozen = image.freeze(found.now.ns)
        decision, kept[1] = sequence.run_turn(
            frozen, kept[0], kept[1], found.params, found.now, by_hand=by_hand, commands=commands, plan=plan
        )
        kept[0] = decision.state
        return decision, kept[1]

    return make


def test_a_voltage_that_is_gone_leads_the_link_to_init_and_is_told_to_hands_in_the_same_turn(turn):
    told = []

    def by_hand(gone):
        told.append(gone)
        return {}

    seen = [turn(at_s, 0.0 if at_s > 3 else 230.0, by_hand) for at_s in range(1, 9)]
    gone = [decision.state.events.is_grid_lost for decision, _ in seen]

    assert gone == told
    assert [False, True] == sorted(set(gone))
    assert gone == [linked.mode is LinkMode.INIT for _, linked in seen]
    assert gone == [decision.view["mode"] == "INIT" for decision, _ in seen]


def test_nobody_need_order_anything_by_hand(turn):
    decision, linked = turn(1, 230.0)

    assert ("CONTROLLED", LinkMode.CONTROLLED) == (decision.view["mode"], linked.mode)


def test_commands_act_in_the_turn_in_which_they_run_below_people(turn):
    commands, _ = running_commands.accept_command(
        RunningCommands(), document(Shed(1, 60)), "", Now(10**9, EPOCH_MS, synced=True)
    )
    commands, _ = running_commands.accept_command(
        commands, document(FailsafeTest(60), 2), "", Now(10**9, EPOCH_MS, synced=True)
    )
    people = {"bat1": by_hand("bat1", 700.0)}
    decision, linked = turn(2, 230.0, lambda _gone: people, commands)

    assert ("FAILSAFE", LinkMode.CONTROLLED) == (decision.view["mode"], linked.mode)
    assert {"D": "shed command c1: tier D off"} == decision.view["events"]["off"]
    assert (61 * 10**9, (10**9, 61 * 10**9)) == (linked.shed_until_ns, linked.test_ns)
    assert "by hand, anna" in decision.view["assets"]["bat1"]["override"]["words"]
    decision, linked = turn(3, 230.0)
    assert ("CONTROLLED", None, None) == (decision.view["mode"], linked.shed_until_ns, linked.test_ns)


def test_the_local_plan_leads_in_the_turn_in_which_it_holds_and_not_without_voltage(turn):
    plan = LocalPlan(
        start_ns=0,
        expires_ns=100 * 10**9,
        offset_ms=EPOCH_MS,
        aims={"bat1": (PlanAim(300.0, 900.0, 0.0, inf, make_text_reason("cheap")),)},
    )
    told = {"bat1.power_w": 0.0, "bat1.soc_pct": 50.0}
    led = [
        turn(at_s, 0.0 if at_s > 6 else 230.0, plan=plan, more=told)[0].view["assets"]["bat1"].get("led_by")
        for at_s in range(1, 10)
    ]

    assert "local plan" == led[3]
    assert "local plan" != led[-1]
