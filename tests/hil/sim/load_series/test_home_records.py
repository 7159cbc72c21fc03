import datetime as dt
from pathlib import Path

import pytest

from quartier_drivers.errors import ConfigError
from quartier_sim.load_series.home_records import read_home_records, read_series

HOMES = Path(__file__).parents[5] / "shared" / "fixtures" / "district" / "citylearn_2022_phase_1"
HEAD = "month,hour,non_shiftable_load,solar_generation\n"


def _file(folder, rows):
    path = folder / "home.csv"
    path.write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return path


def test_energy_of_the_day_is_that_of_its_rows(tmp_path):
    rows = ["7,24,9,0"] + [f"8,{hour},0.5,{100 if hour == 13 else 0}" for hour in [*range(1, 25)] * 3]
    series = read_series(_file(tmp_path, rows), dt.date(2030, 8, 2))

    assert 12_000 == pytest.approx(sum(series.base_w) / 60)
    assert 100 == pytest.approx(sum(series.solar_w_per_kw[12 * 60 : 13 * 60]) / 60)
    assert 0 == sum(series.solar_w_per_kw[: 12 * 60])


def test_every_fault_is_named_at_once(tmp_path):
    rows = ["8,1,x,0", "8,2,0.5,0", "8,3,,0"]
    with pytest.raises(ConfigError) as caught:
        read_series(_file(tmp_path, rows), dt.date(2030, 8, 1))

    assert [2, 4] == [fault.line for fault in caught.value.faults]


def test_a_gap_is_one_fault_that_says_how_far_it_goes(tmp_path):
    rows = [f"8,{at % 24 + 1},{'' if 30 <= at < 50 else 0.5},{'inf' if at == 60 else 0}" for at in range(72)]
    with pytest.raises(ConfigError) as caught:
        read_home_records(_file(tmp_path, rows))

    gap, single = (str(fault) for fault in caught.value.faults)
    assert "home.csv:32: row: non_shiftable_load '' is no number, as the rows to line 51" in gap
    assert "home.csv:62: row: solar_generation 'inf' is no number; expected" in single


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        ([*range(1, 25), *range(1, 5), *range(7, 25), *range(1, 25)], "30: hour: hour 7 where 5 is due"),
        ([*range(24)] * 3, "2: hour: month 8, hour 0; expected 1 to 12, and 1 to 24"),
    ],
)
def test_an_hour_that_is_left_out_or_is_none_is_named(tmp_path, hours, said):
    with pytest.raises(ConfigError) as caught:
        read_home_records(_file(tmp_path, [f"8,{hour},0.5,0" for hour in hours]))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("schema.json", "{", "schema.json: buildings: no sizes of home can be read"),
        (
            "schema.json",
            '{"buildings": {"a": {"energy_simulation": "home.csv", "pv": 4}}}',
            "no sizes of home",
        ),
        ("pricing.csv", "price\n0.2\n", "pricing.csv: electricity_pricing: no column of numbers"),
        ("pricing.csv", "electricity_pricing\n", "pricing.csv: electricity_pricing: no column of numbers"),
    ],
)
def test_what_is_wrong_beside_a_file_is_named(tmp_path, name, text, said):
    path = _file(tmp_path, [f"8,{at % 24 + 1},0.5,0" for at in range(72)])
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_series(path, dt.date(2030, 8, 1))
    assert said in str(caught.value)


def test_a_home_whose_schema_has_no_pv_needs_no_column_for_it(tmp_path):
    path = tmp_path / "home.csv"
    rows = "".join(f"8,{at % 24 + 1},0.5\n" for at in range(72))
    path.write_text("\ufeffmonth,hour,non_shiftable_load\n" + rows, "utf-8")
    (tmp_path / "schema.json").write_text('{"buildings": {"a": {"energy_simulation": "home.csv"}}}')
    found = read_home_records(path)
    assert (0.0, 0.0, 500.0) == (found.pv_rated_w, max(found.generated_w), found.load_w[0])


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / "home.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="home.csv: file: is no text in UTF-8"):
        read_home_records(tmp_path / "home.csv")


def test_missing_columns_are_named(tmp_path):
    path = tmp_path / "home.csv"
    path.write_text("month,hour\n8,1\n")
    with pytest.raises(ConfigError) as caught:
        read_series(path, dt.date(2030, 8, 1))

    assert ["non_shiftable_load", "solar_generation"] == [fault.key for fault in caught.value.faults]


@pytest.mark.skipif(not HOMES.exists(), reason="../shared/fixtures/district is not beside the clone")
@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_measured_home_gives_its_day_with_its_own_sizes_and_prices(number):
    series = read_series(HOMES / f"Building_{number}.csv", dt.date(2022, 6, 12))

    assert 1440 == len(series.base_w) == len(series.solar_w_per_kw) == len(series.price_eur_per_wh)
    assert 6400 == series.battery_wh
    assert (5000 if number == 4 else 4000) == series.pv_rated_w
    assert 0.0001 < series.price(0) < 0.001
    assert 0 == series.at(0).solar_w_per_kw
    assert series.at(12 * 3600).solar_w_per_kw > 100
