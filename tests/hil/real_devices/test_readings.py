"""How old real readings are, when none is expected, and what a run is judged by."""

from math import inf, nan

import pytest

from quartier_hil.checks.verdicts import RunData
from quartier_hil.real_devices.readings import Readings, ReadingSource


@pytest.fixture
def readings():
    made = Readings(stale_s=5.0)
    made.sources["ev1.power_w"] = ReadingSource("ev1.power_w", "charger", "meter clamp", is_own=False)
    made.sources["order.current_max_a"] = ReadingSource(
        "order.current_max_a", "charger", "charger itself", is_own=True
    )
    for point in made.sources:
        made.take(point, 16.0, 1000.0, 0.0)
    return made


def _run(readings, until_s, *, takes=()):
    for now_s in range(int(until_s) + 1):
        for point in takes:
            readings.take(point, 1.0, 1000.0 + now_s, float(now_s))
        readings.step(float(now_s), 1.0, {})
    return readings.verdict(RunData())


def test_readings_that_come_are_counted_with_the_oldest(readings):
    verdict = _run(readings, 9, takes=("ev1.power_w", "order.current_max_a"))

    assert verdict.holds
    assert "ev1.power_w: 11 read, 0 missed, 0.0 s at most" in verdict.measured


def test_a_reading_that_is_too_old_breaks_the_verdict_with_its_name_and_moment(readings):
    verdict = _run(readings, 9, takes=("order.current_max_a",))

    assert (False, "ev1.power_w by meter clamp is 6.0 s old at 6 s") == (verdict.holds, verdict.measured)


def test_no_reading_is_expected_of_a_device_that_the_bench_cut_off(readings):
    readings.sources["order.current_max_a"].excuse(inf)

    assert _run(readings, 9, takes=("ev1.power_w",)).holds
    assert {"ev1.power_w": 1.0} == readings.latest(9.0)


def test_a_device_that_comes_back_has_its_time_to_start_and_not_longer(readings):
    readings.sources["order.current_max_a"].excuse(8.0)
    assert _run(readings, 8, takes=("ev1.power_w",)).holds
    readings.take("ev1.power_w", 1.0, 1009.0, 9.0)
    readings.step(9.0, 1.0, {})

    assert "order.current_max_a" in readings.verdict(RunData()).measured
    assert not readings.verdict(RunData()).holds


def test_with_its_first_reading_it_is_there_again(readings):
    readings.sources["order.current_max_a"].excuse(60.0)
    readings.take("order.current_max_a", 10.0, 1003.0, 3.0)

    assert {"ev1.power_w": 16.0, "order.current_max_a": 10.0} == readings.latest(4.0)
    assert not _run(readings, 9, takes=("ev1.power_w",)).holds


def test_what_is_no_number_is_no_reading(readings):
    readings.take("ev1.power_w", nan, 1001.0, 1.0)

    assert (16.0, 1) == (readings.latest(1.0)["ev1.power_w"], readings.sources["ev1.power_w"].missed_count)
    assert "it is no number" == readings.rows[-1].why


def test_one_that_did_not_come_is_kept_with_its_reason(readings):
    readings.miss("ev1.power_w", "no answer in 1 s", 1001.0)

    assert (None, "no answer in 1 s", 1001.0) == (
        readings.rows[-1].value,
        readings.rows[-1].why,
        readings.rows[-1].unix_s,
    )
