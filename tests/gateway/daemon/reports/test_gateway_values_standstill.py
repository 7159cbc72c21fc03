import pytest

from quartier.daemon.reports.gateway_values import STOOD_STILL_CODE, StandstillDetector
from quartier.site.records import Now

START_MS = 1_764_000_000_000


@pytest.fixture
def told():
    return []


@pytest.fixture
def standstill(told):
    return StandstillDetector(lambda *event: told.append(event))


def at(seconds, jumped_s=0.0):
    return Now(int(seconds * 1e9), START_MS + int(1000 * (seconds + jumped_s)), synced=True)


def test_cycles_as_they_come_are_no_standstill(standstill, told):
    for second in (0, 1, 2, 61.9):
        standstill.look(at(second))

    assert [] == told


def test_a_minute_without_a_cycle_is_one_event_that_says_from_when_to_when(standstill, told):
    for second in (0, 600, 601):
        standstill.look(at(second))

    ((code, text, data, now),) = told
    assert (STOOD_STILL_CODE, "nothing was read or decided for 600 s") == (code, text)
    assert {"for_s": 600.0, "from_utc_ms": START_MS, "to_utc_ms": START_MS + 600_000} == data
    assert at(600) == now


def test_a_wall_clock_that_jumped_meanwhile_makes_it_no_longer(standstill, told):
    standstill.look(at(0))
    standstill.look(at(100, jumped_s=3_600.0))

    data = told[0][2]
    assert (100.0, 100_000) == (data["for_s"], data["to_utc_ms"] - data["from_utc_ms"])


def test_a_wall_clock_that_jumps_alone_is_none(standstill, told):
    standstill.look(at(0))
    standstill.look(at(1, jumped_s=315_576_000.0))

    assert [] == told
