"""Dates are told as the meter says them, or not at all."""

from datetime import datetime, timedelta, timezone

import pytest
from tests.drivers.meter.dlms.conftest import NO_DEVIATION, clock

from quartier_drivers.meter.dlms.values import encode_time, read_clock_status, render_iso_time


@pytest.mark.parametrize(
    ("expected", "sent"),
    [
        ("2020-01-25T13:09:30", "07e40119060d091eff800000"),
        ("2022-11-12T16:54:00+01:00", "07e60b0c06103600 00ffc400"),
        ("2021-09-27T09:47:15+02:00", "07e5091b01092f0f00ff8880"),
        ("2026-11-25T20:10:05.07+00:00", "07ea0b19ff140a0507000000"),
        ("2026-11-25T20:10:05-03:30", "07ea0b19ff140a0500 00d200"),
        ("2026-11-25", "07ea0b1903"),
        ("20:10:05", "140a05ff"),
        ("2026-11-25T20:10:00", "07ea0b1903140affff800000"),
    ],
)
def test_what_a_meter_says_is_told(expected: str, sent: str) -> None:
    assert expected == render_iso_time(bytes.fromhex(sent))


@pytest.mark.parametrize(
    "sent",
    [
        "ffff0b1903140a05008000 00",
        "07eaff1903140a0500800000",
        "07ea0bfe03140a0500800000",
        "07ea0b1903ff0a0500800000",
        "07ea0b19031860050080 0000",
        "07ea0b1903140a0500040000",
        "313831323230303030303039",
        "07ea",
        "",
    ],
)
def test_what_is_not_said_is_not_made_up(sent: str) -> None:
    assert "" == render_iso_time(bytes.fromhex(sent))


def test_the_clocks_status_is_noted() -> None:
    assert {"summer": 1} == read_clock_status(clock(status=0x80))
    assert {"doubtful": 1} == read_clock_status(clock(status=0x02))
    assert {} == read_clock_status(clock(status=0))
    assert {} == read_clock_status(clock(status=0xFF))


def test_a_moment_is_sent_as_it_is_read() -> None:
    here = datetime(2026, 11, 25, 20, 10, 5, tzinfo=timezone(timedelta(hours=1)))

    assert "2026-11-25T20:10:05+01:00" == render_iso_time(encode_time(here))
    assert "2026-11-25T20:10:05" == render_iso_time(encode_time(here.replace(tzinfo=None)))
    assert clock(deviation=NO_DEVIATION) == encode_time(here.replace(tzinfo=None))
