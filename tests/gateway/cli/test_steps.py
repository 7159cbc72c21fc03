"""A series of steps, read from CSV."""

import pytest

from quartier.cli.steps import SteplessError, read

HEAD = "time,load_w,pv_w,import_eur_per_wh,export_eur_per_kwh"


def test_prices_may_be_by_wh_or_by_kwh_and_caps_only_narrow(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text(
        f"{HEAD},import_max_w,import_g_per_kwh\n2026-06-12T00:00,1,2,0.001,3,5000,60\n2026-06-12T00:15,1,2,0.002,4,99000,70\n"
    )
    steps = read(path, 9000.0, 100.0)

    assert 900 == steps.outlook.step_s
    assert [0.001, 0.002] == steps.outlook.import_eur_per_wh
    assert [0.003, 0.004] == steps.outlook.export_eur_per_wh
    assert [5000.0, 9000.0] == steps.outlook.import_max_w
    assert [100.0, 100.0] == steps.outlook.export_max_w
    assert [0.06, 0.07] == pytest.approx(steps.outlook.import_g_per_wh)
    assert ["00:00", "00:15"] == [steps.when(0), steps.when(1)]
    assert "00:15" == steps.day(1)


def test_steps_of_several_days_are_told_with_their_day(tmp_path):
    path = tmp_path / "days.csv"
    path.write_text(f"{HEAD}\n2026-06-12T23:00,1,2,0.001,3\n2026-06-13T00:00,1,2,0.002,4\n")

    assert ["Fri 12 23:00", "Sat 13 00:00"] == [read(path, 9.0, 9.0).day(number) for number in (0, 1)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "at least two rows"),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15,1,x,3,4\n", ":3: pv_w: 'x' is no number"),
        ("2026-06-12T00:00,1,2,3,4\nnoon,1,2,3,4\n", ":3: time: expected such as"),
        (
            "2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15,1,2,3,4\n2026-06-12T00:20,1,2,3,4\n",
            "not one step apart",
        ),
        ("2026-06-12T00:00,1,2,3,4\n2026-06-12T00:15Z,1,2,3,4\n", "some times have an offset"),
        ("2026-06-12T00:00,1,2,3\n2026-06-12T00:15,1,2,3\n", ":2: export_eur_per_kwh: None is no number"),
    ],
)
def test_a_series_that_does_not_fit_is_told_by_line_and_column(tmp_path, rows, message):
    path = tmp_path / "day.csv"
    path.write_text(f"{HEAD}\n{rows}")

    with pytest.raises(SteplessError) as refused:
        read(path, 9000.0, 0.0)

    assert message in str(refused.value)


def test_a_column_that_is_missing_is_named_with_those_there_are(tmp_path):
    path = tmp_path / "day.csv"
    path.write_text("time,load_w\n2026-06-12T00:00,1\n2026-06-12T00:15,1\n")

    with pytest.raises(SteplessError, match="no column pv_w; there are load_w, time"):
        read(path, 9000.0, 0.0)
