from dataclasses import replace
from itertools import pairwise

import pytest

from quartier.control import restore
from quartier.control.duties import Duties
from quartier.control.outcome import Result
from quartier.control.players import Player
from quartier.control.shed import Gate, Turn
from quartier.house.assets import Pv


def test_one_asset_comes_back_at_a_time_and_the_next_half_a_minute_later(plant):
    p = plant(base_w=500, loads_w={"heat": 1_000, "pump": 1_000, "cold": 1_000}, soc_pct=20)
    p.run(30).cap(import_max_w=600).run(60)
    p.cap(import_max_w=10_000).run(1_500)
    back = sorted(
        next(t for t, value in p.written(f"{name}.relay_on", since=91) if value)
        for name in ("heat", "pump", "cold")
    )

    assert all(later - sooner >= 30 for sooner, later in pairwise(back))
    assert back[0] >= 90 + 120


def test_nothing_comes_back_where_it_would_not_fit_with_room_to_spare(plant):
    p = plant(base_w=500, loads_w={"pump": 2_000}, soc_pct=12)
    p.run(30).cap(import_max_w=600).run(30)
    p.cap(import_max_w=2_600).run(900)

    assert 0 == p.points["pump.relay_on"]


@pytest.mark.parametrize(("ceiling_w", "below"), [(None, True), (5_001.0, True), (5_000.0, False)])
def test_after_an_outage_the_slow_rise_is_the_cap_below_which_something_comes_back(scene, ceiling_w, below):
    rising = scene(duties=Duties(ceiling_w=ceiling_w), grid_w=5_000.0)
    found = restore.restored(rising, [], Result((), 5_000.0, 5_000.0, {}, met=True, gate=Gate()))

    assert below is (found.gate.below_since_ns is not None)


@pytest.mark.parametrize(
    ("duties", "back"),
    [
        (Duties(), {0}),
        (Duties(pv_holds=True), set()),
        (Duties(pv_ramp_per_min=0.1), set()),
    ],
)
def test_a_pv_behind_a_relay_stays_off_while_the_grid_holds_it_or_the_building_rises_slowly(
    scene, duties, back
):
    roof = Pv(name="pv1", rated_w=5_000, curtail="relay")
    off = Player(roof, 0.0, 0.0, Turn(on=False))
    found = restore.restored(scene(duties=duties), [off], Result((0.0,), 0.0, 0.0, {}, met=True, gate=Gate()))

    assert back == set(found.back)


def test_a_pv_behind_a_relay_comes_back_where_all_of_it_fits_below_a_generation_cap(scene):
    roof = Pv(name="pv1", rated_w=5_000, curtail="relay")
    off = Player(roof, 0.0, 0.0, Turn(on=False))
    plain = scene()
    for cap_w, back in ((5_000.0 / 0.9 + 1, {0}), (5_000.0 / 0.9 - 1, set())):
        capped = replace(plain, force=replace(plain.force, generation_w=cap_w))
        found = restore.restored(capped, [off], Result((0.0,), 0.0, 0.0, {}, met=True, gate=Gate()))

        assert back == set(found.back)
