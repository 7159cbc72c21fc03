"""What meters said and what was heard is counted while they are silent, and once both sides are at rest."""

import asyncio
import datetime as dt

import pytest

from quartier_hil.checks.verdicts import GroupCounts
from quartier_hil.runner import meter_counts
from quartier_hil.runner.meter_counts import MeterCounts, count_run_groups, read_counts, subtract_counts
from quartier_hil.runner.smart_meters import LineCounts
from quartier_hil.scenario.expectations import MeterCountExpectation
from quartier_hil.scenario.scenario_file import Scenario


class Meters:
    names = ("tic", "mbus")

    def __init__(self):
        self.silent = False
        self.sound_count = 100

    async def silence_all(self):
        self.silent = True

    def resume_all(self):
        self.silent = False

    def count_telegrams(self):
        assert self.silent
        return {name: LineCounts(self.sound_count, 3) for name in self.names}


class Gateway:
    """Counts on for a while, then stands."""

    def __init__(self, *good_counts):
        self.good_counts = list(good_counts)

    async def ask(self, what):
        assert "status" == what
        good_count = self.good_counts.pop(0) if len(self.good_counts) > 1 else self.good_counts[0]
        if good_count is None:
            return None
        counts = {"good_count": good_count, "bad_count": 1, "requests_count": 5}
        return {"buses": [{"name": name, "counts": counts} for name in ("rs485", "tic", "mbus")]}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(meter_counts, "QUIET_S", 0.0)


async def test_both_sides_are_counted_once_the_daemon_is_at_rest():
    meters = Meters()
    found = await read_counts(meters, Gateway(None, 90, 95, 97, 97))

    assert MeterCounts(LineCounts(100, 3), 97, 1) == found["tic"] == found["mbus"]
    assert not meters.silent


async def test_a_daemon_that_does_not_come_to_rest_is_given_up(monkeypatch):
    monkeypatch.setattr(meter_counts, "PATIENCE_S", 0.05)
    meters = Meters()
    with pytest.raises(TimeoutError):
        await read_counts(meters, Gateway(None))
    assert not meters.silent


async def test_a_meter_whose_words_nobody_takes_is_not_waited_for_for_ever(monkeypatch):
    class Stuck(Meters):
        async def silence_all(self):
            await asyncio.Event().wait()

    monkeypatch.setattr(meter_counts, "PATIENCE_S", 0.05)
    with pytest.raises(TimeoutError):
        await read_counts(Stuck(), Gateway(50))


def test_what_counts_is_what_came_in_between():
    before, after = MeterCounts(LineCounts(10, 1), 8, 2), MeterCounts(LineCounts(110, 4), 109, 5)

    assert {"tic": GroupCounts(100, 3, 101, 3)} == subtract_counts({"tic": before}, {"tic": after})


class Running:
    def __init__(self, *checks):
        start = dt.datetime(2026, 6, 12)  # noqa: DTZ001 - the house's local time
        self.scenario = Scenario(title="x", start=start, duration_s=100, checks=checks)
        self.smart_meters, self.daemon = Meters(), Gateway(50, 50, 150, 150)
        self.waited = []

    async def until(self, at_s):
        self.waited.append(at_s)
        self.smart_meters.sound_count = 200 if at_s == 100 else 100


async def test_a_run_is_reckoned_from_the_moment_that_its_check_names_to_its_end():
    run = Running(MeterCountExpectation(check="accounted", from_s=10))

    assert GroupCounts(100, 0, 100, 0) == (await count_run_groups(run))["tic"]
    assert [10, 100] == run.waited


async def test_without_such_a_check_the_meters_are_left_alone():
    assert {} == await count_run_groups(Running())


async def test_without_a_daemon_at_rest_nothing_was_counted(monkeypatch):
    monkeypatch.setattr(meter_counts, "PATIENCE_S", 0.05)
    run = Running(MeterCountExpectation(check="accounted"))
    run.daemon = Gateway(None)

    assert {} == await count_run_groups(run)
