import time
from contextlib import AsyncExitStack

import pytest

from quartier_district.gateway_session import TopicNames
from quartier_hil.street.street_run import StreetBuilding
from quartier_hil.street.street_scenario import build_scenarios
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.site_clock import RigClock


@pytest.fixture
def home(tmp_path):
    edge, made = build_scenarios(with_public=False)[0]
    series = LoadSeries(base_w=(700.0,), solar_w_per_kw=(0.0,), origin="")
    return StreetBuilding(TopicNames("issy", edge), made, series, tmp_path / edge, RigClock(time.time()))


async def test_a_home_on_its_wires_goes_on_with_its_car_and_what_it_takes_is_the_sum(home, tmp_path):
    async with AsyncExitStack() as stack:
        await home.serve(stack, 1883, tmp_path / "issuers.json")
        home.plug(10_000.0)
        for second in range(20):
            home.step(64_800.0 + second, 1.0)

        values = home.values()
        assert home.grid_w == pytest.approx(
            sum(values[f"{name}.power_w"] for name in ("bat1", "pv1", "ev1", "hp1", "base"))
        )
        assert 'id = "b001"' in (home.folder / "site.toml").read_text()


def test_its_lines_in_the_districts_file_are_those_of_its_house(home):
    assert {
        "edge": "b001", "title": "Lilac house", "kind": "home", "contract_import_w": 18_000.0, "contract_export_w": 6_000.0,
        "failsafe_import_w": 8_500.0, "failsafe_export_w": 6_000.0,
    } == home.place()  # fmt: skip
