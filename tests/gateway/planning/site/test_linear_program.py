"""The linear program of a site: its optimum, its prices, and what it takes."""

from array import array
from dataclasses import replace

import pytest
from tests.gateway.planning.estates import BATTERY, CAR, TANK, outlook, site

from quartier.planning.horizon import Contract
from quartier.planning.site.linear_program import find_work_max, solve_linear_program
from quartier.planning.site.part_models import make_battery_part, make_car_part, make_tank_part
from quartier.planning.site.site_meter import SiteMeter


def test_a_battery_moves_the_load_to_the_cheapest_hour() -> None:
    meter = SiteMeter(site(ahead=outlook(load_w=1000.0)))
    found = solve_linear_program(meter, [make_battery_part(meter, BATTERY).chain], array("d", bytes(32)))

    assert [3000.0, -1000.0, -1000.0, -1000.0] == pytest.approx(list(found.bus_wh[0]), abs=1e-2)
    assert [1e-4] * 4 == pytest.approx(list(found.prices), abs=1e-7)
    assert found.solved.gap < 1e-7


def test_a_price_of_the_peak_levels_the_import_and_falls_on_the_steps() -> None:
    meter = SiteMeter(site(Contract(peak_eur_per_w=0.01), ahead=outlook(load_w=1000.0)))
    found = solve_linear_program(meter, [make_car_part(meter, "car", CAR).chain], array("d", bytes(32)))

    assert 1000.0 + 30 * 230.0 / 4 == pytest.approx(found.level_wh, abs=0.1)
    assert 0.01 == pytest.approx(sum(found.surcharges), rel=1e-6)


def test_what_is_fixed_stands_under_the_same_cap() -> None:
    meter = SiteMeter(site(ahead=outlook(import_max_w=2000.0)))
    tank = replace(TANK, energy_wh=2000.0, draw_w=[0.0, 0.0, 0.0, 3000.0])
    found = solve_linear_program(
        meter, [make_tank_part(meter, "tank", tank).chain], array("d", [1500.0, 0.0, 0.0, 0.0])
    )

    # In the first hour the fixed load leaves 500 W of the cap.
    assert 500.0 == pytest.approx(found.bus_wh[0][0], abs=1e-2)


def test_without_chains_a_step_has_the_price_of_an_import() -> None:
    meter = SiteMeter(site())
    found = solve_linear_program(meter, [], array("d", bytes(32)))

    assert (list(meter.column("import_price")), [], 0) == (list(found.prices), list(found.bus_wh), found.work)


@pytest.mark.parametrize("priced", [0.0, 0.01])
def test_a_program_never_takes_more_work_than_is_told_before(priced: float) -> None:
    meter = SiteMeter(site(Contract(peak_eur_per_w=priced)))
    chains = [make_battery_part(meter, BATTERY).chain, make_car_part(meter, "car", CAR).chain]

    assert solve_linear_program(meter, chains, array("d", bytes(32))).work <= find_work_max(meter, chains)
