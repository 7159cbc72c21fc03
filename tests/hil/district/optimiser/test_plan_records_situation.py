from dataclasses import replace

import pytest

from quartier_district.optimiser.plan_records import Prices


def test_everything_that_is_wrong_is_named_at_once(judge, battery):
    sound = judge.street([judge.house("a", [1.0, 2.0], battery=battery())], [1e-4, 1e-4], 9.0)
    house = replace(sound.buildings[0], base_w=(1.0,), battery=battery(stored_wh=float("nan")))

    with pytest.raises(ValueError, match="a is listed twice.*has 1 values for 2 steps.*stored_wh is nan"):
        replace(sound, buildings=(house, house))
    with pytest.raises(ValueError, match="limit_import_w holds what is no number, or is below 0"):
        replace(sound, limit_import_w=(-1.0, float("inf")))
    with pytest.raises(ValueError, match="there is no step"):
        replace(sound, step_s=0)


def test_a_price_below_zero_counts_as_zero_and_selling_never_pays_more_than_buying():
    prices = Prices(
        import_eur_per_wh=(-1e-4, 1e-4, 1e-4),
        export_eur_per_wh=(1e-4, 3e-4, -1e-4),
        co2_g_per_wh=(0.0, 0.1, 0.0),
        co2_eur_per_g=1e-4,
    )

    assert [0.0, 1.1e-4, 1e-4] == pytest.approx([prices.bought_eur_per_wh(step) for step in range(3)])
    assert [0.0, 1.1e-4, 0.0] == pytest.approx([prices.sold_eur_per_wh(step) for step in range(3)])
    assert 0.7e-4 == pytest.approx(prices.storage_eur_per_wh)
