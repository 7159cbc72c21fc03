"""The order of a turn: what one part judges, those after it know in the same turn."""

from dataclasses import replace

import pytest

from quartier.control import sequence
from quartier.control.linkstate import Mode
from quartier.control.state import State
from quartier.house.image import Image
from quartier_drivers.contract import Quality, Reading, columns


@pytest.fixture
def turn(drive, house):
    """Turns with a voltage that the grid meter says, after a document was accepted."""
    found = drive().controlled()
    measured = replace(house, grid=replace(house.grid, voltage_period_s=1.0))
    image, kept = Image(), [State.fresh(measured), found.state]

    def make(at_s, volts, by_hand=None):
        found.t = at_s
        seen = {"grid.power_w": 500.0} | {f"grid.voltage_l{k}_v": volts for k in (1, 2, 3)}
        said = (Reading(point, value, Quality.GOOD, found.now.ns) for point, value in seen.items())
        image.put(columns(said, found.now.ns))
        frozen = image.freeze(found.now.ns)
        decision, kept[1] = sequence.taken(frozen, kept[0], kept[1], found.params, found.now, by_hand)
        kept[0] = decision.state
        return decision, kept[1]

    return make


def test_a_voltage_that_is_gone_leads_the_link_to_init_and_is_told_to_hands_in_the_same_turn(turn):
    told = []

    def by_hand(gone):
        told.append(gone)
        return {}

    seen = [turn(at_s, 0.0 if at_s > 3 else 230.0, by_hand) for at_s in range(1, 9)]
    gone = [decision.state.events.is_gone for decision, _ in seen]

    assert gone == told
    assert [False, True] == sorted(set(gone))
    assert gone == [linked.mode is Mode.INIT for _, linked in seen]
    assert gone == [decision.view["mode"] == "INIT" for decision, _ in seen]


def test_nobody_need_order_anything_by_hand(turn):
    decision, linked = turn(1, 230.0)

    assert ("CONTROLLED", Mode.CONTROLLED) == (decision.view["mode"], linked.mode)
