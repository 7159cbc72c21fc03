from itertools import pairwise


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
