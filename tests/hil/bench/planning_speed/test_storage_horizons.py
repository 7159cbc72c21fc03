"""The horizons to plan hold what they promise."""

from quartier_bench.planning_speed.storage_horizons import draw_horizon, make_house_horizon


def test_the_same_seed_draws_the_same_horizon() -> None:
    assert draw_horizon(7) == draw_horizon(7) != draw_horizon(8)


def test_without_signs_every_step_is_convex_and_with_them_some_are_not() -> None:
    plain = [draw_horizon(seed) for seed in range(200)]
    turned = [draw_horizon(seed, signs=True) for seed in range(200)]

    assert all(
        bought >= sold >= 0
        for one in plain
        for bought, sold in zip(one.steps["import_price"], one.steps["export_price"], strict=True)
    )
    assert any(price < 0 for one in turned for price in one.steps["import_price"])
    assert any(
        sold > bought
        for one in turned
        for bought, sold in zip(one.steps["import_price"], one.steps["export_price"], strict=True)
    )


def test_a_house_has_days_of_any_steps() -> None:
    assert [96, 288, 672] == [make_house_horizon(count, 24 / 96).count for count in (96, 288, 672)]
    assert all(price > 0 for price in make_house_horizon(96, 0.25).steps["import_price"])
