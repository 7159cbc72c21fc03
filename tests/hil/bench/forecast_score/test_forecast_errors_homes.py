import pytest

from quartier_bench.forecast_score import forecast_errors
from quartier_drivers.errors import ConfigError


def records(tmp_path, hours, month=8, hour=1):
    rows = [f"{month},{(hour - 1 + at) % 24 + 1},{at / 1000},{at}" for at in range(hours)]
    path = tmp_path / "Building_9.csv"
    path.write_text("month,hour,non_shiftable_load,solar_generation\n" + "\n".join(rows) + "\n")
    return path


def test_records_begin_by_the_wall_of_their_place(tmp_path):
    home = forecast_errors.read_home(records(tmp_path, 72), forecast_errors.RecordsPlace())

    # 1 August 2016, midnight in California's summer.
    assert 1_470_034_800 == home.first_slot * 3_600
    assert ((0, 1, 2), (0, 1, 2)) == (home.load_w[:3], home.generated_w[:3])


def test_the_hour_that_comes_twice_has_one_that_nobody_knows_and_that_left_out_is_none(tmp_path):
    home = forecast_errors.read_home(records(tmp_path, 24 * 240), forecast_errors.RecordsPlace())

    gaps = [at for at, value in enumerate(home.load_w) if value is None]
    assert [24 * 97 + 2] == gaps  # 6 November 2016, 1 h for the second time
    assert 24 * 240 == len(home.load_w)


def test_a_first_row_of_the_evening_before_is_of_the_month_before(tmp_path):
    path = records(tmp_path, 72, hour=24)
    path.write_text(path.read_text().replace("8,24,0.0,0", "7,24,0.0,0"))

    assert (
        1_470_034_800 - 3_600
        == forecast_errors.read_home(path, forecast_errors.RecordsPlace()).first_slot * 3_600
    )


def test_a_zone_that_is_none_is_told_with_the_option(tmp_path):
    with pytest.raises(ConfigError, match=r"--zone: Moon/Sea is none; expected one as Europe/Paris"):
        forecast_errors.read_home(records(tmp_path, 72), forecast_errors.RecordsPlace(zone="Moon/Sea"))
