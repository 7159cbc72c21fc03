import pytest
from hypothesis import given
from hypothesis import strategies as st

from quartier_sim.plant.grid import ROOT, Board, compute_board_powers, compute_board_quantities

BOARDS = (Board("a", ROOT, 63), Board("b", "a", 32), Board("c", "a", 32), Board("d", ROOT, 16))
THIRDS = (1 / 3, 1 / 3, 1 / 3)
LOAD = st.tuples(
    st.sampled_from([ROOT, "a", "b", "c", "d"]),
    st.floats(-50_000, 50_000),
    st.sampled_from([THIRDS, (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]),
)


@given(st.lists(LOAD, max_size=30))
def test_what_flows_through_a_board_is_what_hangs_on_it_and_below(loads):
    found = compute_board_powers(BOARDS, loads)

    for name, below in (
        (ROOT, {ROOT, "a", "b", "c", "d"}),
        ("a", {"a", "b", "c"}),
        ("b", {"b"}),
        ("d", {"d"}),
    ):
        for phase in range(3):
            hung = sum(power_w * parts[phase] for home, power_w, parts in loads if home in below)
            assert hung == pytest.approx(found[name][phase], abs=1e-6)


def test_each_board_shows_power_and_current_of_its_phases():
    shown = compute_board_quantities(compute_board_powers(BOARDS, [("b", 2_300, (0.0, 1.0, 0.0))]))

    assert (2_300, 0, 10) == (shown["b.power_w"], shown["b.current_l1_a"], shown["b.current_l2_a"])
    assert 10 == shown["a.current_l2_a"]
    assert "grid.power_w" not in shown
