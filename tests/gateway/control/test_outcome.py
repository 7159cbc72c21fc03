import pytest

from quartier.control import outcome
from quartier.control.duties import Duties
from quartier.control.outcome import Result, point
from quartier.control.players import Player
from quartier.control.shed import Gate, Turn
from quartier.house.assets import Ev, Load, Pv

CAR = Ev(name="ev1", rated_w=11_040)
PV = Pv(name="pv1", rated_w=6_000, curtail="limit")
S = 1_000_000_000


def result(*setpoints_w, high_w=0.0, low_w=0.0, **more):
    return Result(setpoints_w, high_w, low_w, {}, met=True, gate=Gate(), **more)


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


@pytest.mark.parametrize(
    ("ceiling_w", "limit_w"), [(None, 13 * 690.0), (8_000.0, 10 * 690.0), (4_000.0, 6 * 690.0)]
)
def test_after_an_outage_a_car_may_take_no_more_than_the_slow_rise_leaves(scene, ceiling_w, limit_w):
    car = Player(CAR, 4_140.0, 4_140.0, Turn())
    rising = scene(duties=Duties(ceiling_w=ceiling_w))

    assert limit_w == outcome.applied(rising, [car], result(4_140.0, high_w=5_000.0))[1]["ev1"].limit_w


@pytest.mark.parametrize(
    ("duties", "limit_w"),
    [
        (Duties(), 2_500.0),
        (Duties(pv_holds=True), 1_000.0),
        (Duties(pv_ramp_per_min=0.1), 1_010.0),
    ],
)
def test_pv_is_not_raised_while_the_grid_holds_it_and_by_10_percent_a_minute_after_an_outage(
    scene, duties, limit_w
):
    held = Player(PV, -900.0, -1_000.0, Turn(limit_w=1_000.0))

    assert limit_w == outcome.applied(scene(duties=duties), [held], result(-1_000.0))[1]["pv1"].limit_w


@pytest.mark.parametrize(
    ("held_w", "on", "limit_w"),
    [(None, True, 6_000.0), (5_000.0, True, 5_000.0), (4_140.0, True, 4_140.0), (4_139.0, False, 6_000.0)],
)
def test_a_car_that_shares_is_held_where_the_kernel_put_it_and_pauses_below_its_floor(held_w, on, limit_w):
    car = Player(CAR, 6_000.0, 6_000.0, Turn(limit_w=6_000.0))
    after = outcome._car_turn(car, CAR, held_w, 9 * S)

    assert (on, limit_w) == (after.on, after.limit_w)
    assert (None if held_w is None else 9 * S) == after.lowered_ns
    paused = Player(CAR, 0.0, 0.0, Turn(on=False))
    assert paused.turn == outcome._car_turn(paused, CAR, held_w, 9 * S)


def test_a_pv_whose_fallback_is_lost_keeps_its_limit_under_a_cap_and_comes_back_without_one(plant):
    p = plant(base_w=500, soc_pct=95, sun_w=6_000).cap(export_max_w=1_000).run(40)
    p.raw["pv1.fallback_on"] = 0.0
    held_w = p.points["pv1.generation_max_w"]
    p.run(30)
    assert held_w == p.points["pv1.generation_max_w"]
    p.cap(export_max_w=6_000).run(60)

    assert (True, 6_000) == (held_w < 2_000, p.points["pv1.generation_max_w"])


@pytest.mark.long
def test_a_small_gap_does_not_raise_an_ev(plant):
    p = plant(base_w=500, soc_pct=10, ev_wants_w=11_040).cap(import_max_w=7000).run(30)
    slowed = p.points["ev1.current_max_a"]
    p.cap(import_max_w=7600).run(450)

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
