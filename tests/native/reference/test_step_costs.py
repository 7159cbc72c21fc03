"""What a step's cost looks like in pieces."""

from math import inf

import pytest

from quartier_native.reference.step_costs import Flow, Piece, Step, Wiring, best_wh, falling, flow, pieces

WIRING = Wiring(0.5, 0.5, 0.0)  # halves are exact
PLAIN = Step(
    net_wh=100.0,
    curtailable_wh=0.0,
    import_price=4.0,
    export_price=2.0,
    over_price=0.0,
    contract_wh=inf,
    import_max_wh=inf,
    export_max_wh=inf,
    low_wh=-400.0,
    high_wh=50.0,
    floor_wh=0.0,
    ceiling_wh=1000.0,
)


def test_taking_spares_the_import_then_exports_and_charging_pays_the_loss() -> None:
    assert [Piece(0.0, 1.0, 200.0, 0.0), Piece(0.0, 2.0, 200.0, 0.0), Piece(0.0, 8.0, 50.0, 0.0)] == pieces(
        PLAIN, WIRING
    )


def test_wear_makes_both_ways_dearer() -> None:
    assert [0.5, 1.5, 8.5] == [piece.price for piece in pieces(PLAIN, Wiring(0.5, 0.5, 0.5))]


def test_above_the_contract_a_wh_costs_more_and_above_the_cap_it_counts_before_money() -> None:
    step = PLAIN._replace(contract_wh=120.0, over_price=1.0, import_max_wh=140.0)

    assert [Piece(0.0, 8.0, 10.0, 0.0), Piece(0.0, 10.0, 10.0, 0.0), Piece(2.0, 10.0, 30.0, 0.0)] == pieces(
        step, WIRING
    )[2:]


def test_a_contract_above_the_cap_only_costs_beyond_it() -> None:
    step = PLAIN._replace(contract_wh=140.0, over_price=1.0, import_max_wh=120.0)

    assert [Piece(0.0, 8.0, 10.0, 0.0), Piece(2.0, 8.0, 10.0, 0.0), Piece(2.0, 10.0, 30.0, 0.0)] == pieces(
        step, WIRING
    )[2:]


def test_sun_beyond_the_export_cap_charges_for_nothing() -> None:
    step = PLAIN._replace(net_wh=-300.0, curtailable_wh=300.0, export_max_wh=200.0, low_wh=0.0, high_wh=100.0)

    assert [Piece(0.0, 0.0, 50.0, 0.0), Piece(0.0, 4.0, 50.0, 0.0)] == pieces(step, WIRING)
    assert Flow(-200.0, 100.0, -400.0, 0.0) == flow(step, WIRING, 0.0)


def test_exports_that_cost_are_curtailed() -> None:
    step = PLAIN._replace(net_wh=-300.0, curtailable_wh=300.0, export_price=-1.0)

    assert 2 == falling(step)
    assert Flow(0.0, 300.0, 0.0, 0.0) == flow(step, WIRING, 0.0)


def test_imports_that_pay_are_taken_up_to_where_they_cost() -> None:
    paid = PLAIN._replace(
        net_wh=-100.0, curtailable_wh=300.0, import_price=-1.0, export_price=-2.0, import_max_wh=500.0
    )

    assert (3, 500.0) == (falling(paid), best_wh(paid))
    assert Flow(200.0, 300.0, -200.0, 0.0) == flow(paid, WIRING, 0.0)
    assert (3, 150.0) == (
        falling(paid._replace(contract_wh=150.0, over_price=3.0)),
        best_wh(paid._replace(contract_wh=150.0, over_price=3.0)),
    )
    assert (4, 500.0) == (
        falling(paid._replace(contract_wh=150.0, over_price=0.5)),
        best_wh(paid._replace(contract_wh=150.0, over_price=0.5)),
    )


def test_slopes_that_fall_become_a_chord_that_tells_where_it_is_above_nothing() -> None:
    step = PLAIN._replace(export_price=6.0, high_wh=0.0)

    assert [Piece(0.0, 2.5, 400.0, 200.0)] == pieces(step, WIRING)


@pytest.mark.parametrize("moved_wh", [-400.0, -200.0, -150.0, 0.0, 25.0, 50.0])
def test_pieces_and_flow_tell_the_same_cost(moved_wh: float) -> None:
    cost = flow(PLAIN, WIRING, PLAIN.low_wh).cost
    left_wh = moved_wh - PLAIN.low_wh
    for piece in pieces(PLAIN, WIRING):
        part_wh = min(left_wh, piece.length_wh)
        cost += part_wh * piece.price
        left_wh -= part_wh

    assert flow(PLAIN, WIRING, moved_wh).cost == cost
