"""What a step's mean cost over samples looks like in pieces."""

import random
from math import inf

import pytest

from quartier_bench.planning_speed.storage_horizons import draw_sampled_horizon
from quartier_native.reference.mean_step_costs import (
    Region,
    Sample,
    SampledFlow,
    SampledStep,
    Tier,
    find_mean_flow,
    make_mean_pieces,
    meter,
)
from quartier_native.reference.step_costs import Piece, Wiring

WIRING = Wiring(0.5, 0.5, 0.0)  # halves are exact
PLAIN = SampledStep(
    samples_count=2.0,
    import_price=4.0,
    export_price=2.0,
    import_max_wh=inf,
    export_max_wh=inf,
    low_wh=-400.0,
    high_wh=50.0,
    floor_wh=0.0,
    ceiling_wh=1000.0,
)
BOTH = [Sample(100.0, 0.0, 1.0), Sample(50.0, 0.0, 3.0)]


def test_each_sample_turns_the_slope_by_its_weight() -> None:
    # Exports bring 2, imports cost 4: three quarters begin to export at 100 Wh from the store, the rest at 200.
    assert [
        Piece(0.0, 1.0, 200.0, 0.0),
        Piece(0.0, 1.25, 100.0, 0.0),
        Piece(0.0, 2.0, 100.0, 0.0),
        Piece(0.0, 8.0, 50.0, 0.0),
    ] == make_mean_pieces(PLAIN, meter(PLAIN, []), BOTH, WIRING)


def test_a_cap_counts_by_the_weight_of_the_samples_that_exceed_it() -> None:
    step = PLAIN._replace(low_wh=0.0, import_max_wh=120.0)

    assert [
        Piece(0.0, 8.0, 10.0, 0.0),
        Piece(0.5, 8.0, 25.0, 0.0),
        Piece(2.0, 8.0, 15.0, 0.0),
    ] == make_mean_pieces(step, meter(step, []), BOTH, WIRING)


def test_tiers_and_the_cap_stand_in_their_order() -> None:
    step = PLAIN._replace(import_max_wh=150.0)
    tiers = [Tier(200.0, 1.0), Tier(100.0, 0.5), Tier(100.0, 0.25)]

    assert [
        Region(-inf, -1.0, 2.0),
        Region(0.0, 0.0, 2.0),
        Region(100.0, 0.0, 4.0),
        Region(100.0, 0.0, 4.5),
        Region(150.0, 0.0, 4.75),
        Region(200.0, 1.0, 4.75),
        Region(inf, 1.0, 5.75),
    ] == meter(step, tiers).regions


def test_curtailment_is_each_samples_own() -> None:
    step = PLAIN._replace(export_price=-1.0)
    samples = [Sample(-300.0, 300.0, 1.0), Sample(-200.0, 100.0, 1.0)]
    there = meter(step, [])

    assert (2, 0.0) == (there.falling, there.best_wh)
    assert SampledFlow(-50.0, 200.0, 50.0, 0.0, -100.0, 0.0) == find_mean_flow(
        step, [], there.best_wh, samples, WIRING, 0.0
    )


def test_imports_that_pay_are_taken_up_to_the_tier_where_they_cost() -> None:
    paid = PLAIN._replace(import_price=-1.0, export_price=-2.0, import_max_wh=500.0)

    assert 500.0 == meter(paid, []).best_wh
    assert 150.0 == meter(paid, [Tier(150.0, 3.0)]).best_wh
    assert 300.0 == meter(paid, [Tier(150.0, 0.5), Tier(300.0, 0.5)]).best_wh


@pytest.mark.parametrize("seed", range(60))
def test_pieces_and_flow_tell_the_same_cost_on_the_hull(seed: int) -> None:
    there = draw_sampled_horizon(seed)
    source = random.Random(seed)
    steps, store = there.horizon.steps, there.horizon.store
    wiring = Wiring(*(store[name] for name in Wiring._fields))
    number = source.randrange(there.horizon.count)
    samples = [Sample(*row) for row in there.samples[number]]
    names = SampledStep._fields[1:]
    step = SampledStep(float(len(samples)), *(steps[name][number] for name in names))
    columns = [(steps["contract_wh"], steps["over_price"]), *there.tiers]
    tiers = [Tier(above[number], price[number]) for above, price in columns]
    best_wh = meter(step, tiers).best_wh
    pieces = make_mean_pieces(step, meter(step, tiers), samples, wiring)
    at_wh = step.low_wh
    begin = find_mean_flow(step, tiers, best_wh, samples, wiring, at_wh)
    cost, excess_wh = begin.cost, begin.excess_wh

    assert step.high_wh - step.low_wh == pytest.approx(sum(piece.length_wh for piece in pieces))
    assert sorted(pieces) == pieces
    for piece in pieces:
        at_wh += piece.length_wh
        cost += piece.price * piece.length_wh
        excess_wh += piece.breach * piece.length_wh
        flow = find_mean_flow(step, tiers, best_wh, samples, wiring, at_wh)
        assert (cost, excess_wh) == (
            pytest.approx(flow.cost, abs=1e-9),
            pytest.approx(flow.excess_wh, abs=1e-6),
        )
