import pytest

from quartier.control.outcome import point
from quartier.house.assets import Ev, Load, Pv


@pytest.mark.parametrize(
    ("asset", "name"),
    [
        (Ev(name="ev1", rated_w=1), "ev1.current_max_a"),
        (Pv(name="pv1", rated_w=1, curtail="limit"), "pv1.generation_max_w"),
        (Pv(name="pv1", rated_w=1, curtail="relay"), "pv1.relay_on"),
        (Load(name="pump", rated_w=1), "pump.relay_on"),
    ],
)
def test_each_role_is_steered_by_its_point(asset, name):
    assert name == point(asset)


def test_a_small_gap_does_not_raise_an_ev(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=7000).run(30)
    slowed = p.points["ev1.current_max_a"]
    p.cap(import_max_w=7600).run(600)

    assert slowed == p.points["ev1.current_max_a"]


def test_a_silent_ev_is_still_steered_and_counts_at_its_limit(plant):
    p = plant(base_w=2000, soc_pct=10, ev_wants_w=5000).run(30)
    p.silent = {"ev1"}
    p.run(30)
    p.cap(import_max_w=5000).run(3)

    assert p.points["ev1.current_max_a"] < 16.0
    assert "silent" == p.view["assets"]["ev1"]["quality"]


def test_a_car_that_draws_on_one_phase_is_still_brought_below_the_cap(plant):
    p = plant(base_w=4000, soc_pct=10, ev_wants_w=3680).cap(import_max_w=6000).run(120)

    assert p.grid_w <= 6000


def test_a_cap_that_is_gone_is_not_the_reason_of_a_car_that_waits_for_its_turn(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=5000).run(30)

    def shown():
        return p.view["assets"]["ev1"]["command"]

    assert shown()["reason"].startswith("import cap 5000 W")
    value, writes_count = shown()["value"], len(p.written("ev1.current_max_a"))
    p.cap(import_max_w=9000).run(2)

    assert (value, writes_count) == (shown()["value"], len(p.written("ev1.current_max_a")))
    assert "import cap 9000 W (envelope dso 1): comes back in its turn" == shown()["reason"]
