"""On which phases a power is, and what is assumed where nobody says."""

import pytest

from quartier.control.observe import phases
from quartier.control.observe.observations import LastGood
from quartier.site.asset_types import ChargePointAsset, Load, Pv

EV = ChargePointAsset(name="ev1", rated_w=11_040)


def seen(**values):
    return {f"ev1.{name}": LastGood(value, 0) for name, value in values.items()}


@pytest.mark.parametrize(
    ("asset", "via", "parts", "known"),
    [
        (Load(name="a", rated_w=1, phase="l2"), None, (0, 1, 0), True),
        (Load(name="a", rated_w=1, phase="all"), None, (1 / 3, 1 / 3, 1 / 3), True),
        (Load(name="a", rated_w=1), None, (1, 1, 1), False),
        (Load(name="a", rated_w=1), "l3", (0, 0, 1), True),
        (Pv(name="a", rated_w=1), None, (1, 1, 1), False),
        (EV, None, (1 / 3, 1 / 3, 1 / 3), True),
    ],
)
def test_an_asset_is_where_it_is_said_to_be_else_anywhere(asset, via, parts, known):
    share = phases.find_phase_share(asset, via, {}, None, 0)

    assert (parts, known) == (share.parts, share.known)


def test_what_may_be_anywhere_counts_wholly_on_each_and_relieves_none():
    assert (3.0, 3.0, 3.0, 3.0) == phases.ANY_PHASE.find_upper_bound(3.0)
    assert (3.0, 0.0, 0.0, 0.0) == phases.ANY_PHASE.find_lower_bound(3.0)
    assert (-3.0, 0.0, 0.0, 0.0) == phases.ANY_PHASE.find_upper_bound(-3.0)
    assert (-3.0, -3.0, -3.0, -3.0) == phases.ANY_PHASE.find_lower_bound(-3.0)
    assert (3.0, 1.0, 1.0, 1.0) == phases.ALL_PHASES.find_upper_bound(3.0)


def test_a_car_of_one_phase_counts_where_its_current_is():
    memories = seen(current_l1_a=16.0, current_l2_a=0.0, current_l3_a=0.0, power_w=3_680.0)
    turned = ChargePointAsset(name="ev1", rated_w=11_040, l1_on="l3")

    assert (0, 0, 1) == phases.find_phase_share(turned, None, memories, None, 0).parts
    assert phases.PhaseShare((1.0, 1.0, 1.0), known=False) == phases.find_phase_share(
        EV, None, memories, None, 0
    )


def test_without_currents_a_car_may_take_all_its_order_on_one_phase():
    at_floor = phases.find_phase_share(EV, None, seen(power_w=3_680.0), None, 0)
    full = phases.find_phase_share(EV, None, seen(power_w=11_040.0), None, 0)

    assert ((1.0, 1.0, 1.0), False) == (at_floor.parts, at_floor.known)
    assert (phases.EQUAL_THIRDS, True) == (full.parts, full.known)
