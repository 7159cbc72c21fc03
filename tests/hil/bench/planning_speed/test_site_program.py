"""The judge of joint plans: sites whose optimum can be told by hand."""

from dataclasses import replace
from math import exp, inf

import pytest

from quartier.planning.horizon import BatteryModel, Contract, Outlook
from quartier.planning.site.site_model import BatchModel, CarModel, SiteModel, TankModel
from quartier_bench.planning_speed.site_program import SiteProgram

AHEAD = Outlook(3600, [1000.0] * 3, [0.0] * 3, [1e-4, 3e-4, 2e-4], [0.0] * 3, [inf] * 3, [inf] * 3)


def best(site: SiteModel, ways: dict[str, list[float]] | None = None) -> float:
    return SiteProgram(site, ways).solve().cost_eur


def test_a_battery_moves_the_load_for_its_losses_and_wear() -> None:
    battery = BatteryModel(10e3, 0.0, 0.0, 5e3, 5e3, 0.5, 1.0, wear_eur_per_wh=1e-6)

    # Both later hours from the first: 2 kWh through the store cost 4 kWh there; the last hour is even.
    assert 0.1 * (1 + 2) + 0.2 + 2 * 1e-3 == pytest.approx(best(SiteModel(AHEAD, batteries={"bat": battery})))


def test_a_car_takes_whole_amperes_and_nothing_below_six() -> None:
    car = CarModel(4 * 230.0 * 0.9, 20 * 230.0, 1, 3, 16.0, phases=1)

    assert 0.6 + 1.38 * 0.2 == pytest.approx(best(SiteModel(AHEAD, cars={"car": car})))
    dear = best(SiteModel(AHEAD, cars={"car": car}), {"car": [0.0, 1380.0, 0.0]})
    assert 0.6 + 1.38 * 0.3 == pytest.approx(dear, abs=1e-6)


def test_a_tank_loses_in_proportion_to_what_it_holds() -> None:
    keep = exp(-1 / 20.0)
    tank = TankModel(2000.0, 2000.0, 9000.0, 3e3, [0.0] * 3, 20.0, heat_per_wh=2.0)
    need = (2000.0 / keep**2 - 2000.0 * keep) / 2.0

    assert 0.6 + need * 1e-4 == pytest.approx(best(SiteModel(AHEAD, tanks={"tank": tank})))


def test_a_batch_begins_once_and_a_peak_is_paid_once() -> None:
    site = SiteModel(
        AHEAD,
        Contract(peak_eur_per_w=1e-3, peak_free_w=1000.0),
        batches={"run": BatchModel([500.0, 0.0], 0, 3)},
    )

    assert 0.6 + 0.05 + 0.5 == pytest.approx(best(site))


def test_what_is_given_up_counts_in_highest_prices() -> None:
    site = SiteModel(replace(AHEAD, import_max_w=[900.0, inf, inf]))

    assert 0.6 + 0.1 * 625 * 0.3 == pytest.approx(best(site))


def test_level_by_level_a_cap_is_kept_whatever_a_car_lacks_and_a_car_whatever_comfort_does() -> None:
    ahead = replace(AHEAD, import_max_w=[2380.0, 1000.0, 1000.0])
    car = CarModel(2 * 1380.0 * 0.9, 9e3, 0, 3, 16.0, phases=1)
    tank = TankModel(0.0, 300.0, 900.0, 3e3, [0.0] * 3, 1e6)
    staged = SiteProgram(SiteModel(ahead, cars={"car": car}, tanks={"tank": tank})).solve_staged()

    # The first hour has room for six amperes alone, and nothing is left for the tank.
    expected = {"caps": 0.0, "car": 1380.0 * 0.9, "comfort": 900.0, "target": 0.0}
    assert staged.is_closed
    assert expected == pytest.approx(staged.given_up_wh, abs=0.1)
    assert 0.6 + 1.38 * 0.1 == pytest.approx(staged.cost_eur, abs=1e-4)
