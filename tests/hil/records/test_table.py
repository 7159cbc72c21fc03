import datetime as dt
from pathlib import Path

import pytest

from quartier_drivers.errors import ConfigError
from quartier_hil.records.table import read, whole

HOMES = Path(__file__).parents[4] / "shared" / "fixtures" / "district" / "citylearn_2022_phase_1"
HEAD = "month,hour,non_shiftable_load,solar_generation\n"


def _file(folder, rows):
    path = folder / "home.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return path


def test_energy_of_the_day_is_that_of_its_rows(tmp_path):
    rows = ["7,24,9,0"] + [f"8,{hour},0.5,{100 if hour == 13 else 0}" for hour in [*range(1, 25)] * 3]
    series = read(_file(tmp_path, rows), dt.date(2030, 8, 2))

    assert 12_000 == pytest.approx(sum(series.base_w) / 60)
    assert 100 == pytest.approx(sum(series.solar_w_per_kw[12 * 60 : 13 * 60]) / 60)
    assert 0 == sum(series.solar_w_per_kw[: 12 * 60])


def test_every_fault_is_named_at_once(tmp_path):
    rows = ["8,1,x,0", "8,2,0.5,0", "8,3,,0"]
    with pytest.raises(ConfigError) as caught:
        read(_file(tmp_path, rows), dt.date(2030, 8, 1))

    assert [2, 4] == [fault.line for fault in caught.value.faults]


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "home.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="home.csv: file: is no text in UTF-8"):
        whole(tmp_path / "home.csv")


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "home.csv"
    path.write_text("month,hour\n8,1\n")
    with pytest.raises(ConfigError) as caught:
        read(path, dt.date(2030, 8, 1))

    assert ["non_shiftable_load", "solar_generation"] == [fault.key for fault in caught.value.faults]


@pytest.mark.skipif(not HOMES.exists(), reason="../shared/fixtures/district is not beside the clone")
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_measured_home_gives_its_day_with_its_own_sizes_and_prices(number):
    series = read(HOMES / f"Building_{number}.csv", dt.date(2022, 6, 12))

    assert 1440 == len(series.base_w) == len(series.solar_w_per_kw) == len(series.price_eur_per_wh)
    assert 6400 == series.battery_wh
    assert (5000 if number == 4 else 4000) == series.pv_rated_w
    assert 0.0001 < series.price(0) < 0.001
    assert 0 == series.at(0).solar_w_per_kw
    assert series.at(12 * 3600).solar_w_per_kw > 100
