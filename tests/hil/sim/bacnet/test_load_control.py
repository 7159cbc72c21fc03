import struct
from datetime import datetime, timedelta

import pytest

from quartier_sim.bacnet import encoding
from quartier_sim.bacnet.load_control import LoadControl, ShedState
from quartier_sim.bacnet.objects import P, Refusal

START = datetime(2026, 6, 12, 16)  # noqa: DTZ001 - a device's local time
PERCENT, LEVEL, AMOUNT = range(3)


class Clock:
    def __init__(self):
        self.at = START - timedelta(minutes=5)

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def load(clock):
    return LoadControl(1, "Shed", 4000.0, 40.0, clock)


def put(load, name, octets):
    load.write(P[name], None, encoding.parse_tags(octets), 10, 0.0)


def ask(load, level, minutes=60, start=START):
    put(load, "requested-shed-level", level)
    put(load, "shed-duration", encoding.encode_unsigned(minutes))
    put(load, "start-time", encoding.encode_date_time(start))


def percent(value):
    return encoding.encode_tagged(PERCENT, encoding.encode_whole(value), context=True)


def test_a_shed_waits_for_its_start_and_ends_by_itself(load, clock):
    ask(load, percent(60))
    assert (ShedState.PENDING, 100.0) == (load.state, load.share_pct)

    clock.at = START
    assert (ShedState.COMPLIANT, 60.0) == (load.state, load.share_pct)
    assert encoding.encode_enumerated(2) == load.present()
    clock.at = START + timedelta(minutes=59, seconds=59)
    assert ShedState.COMPLIANT is load.state
    clock.at = START + timedelta(minutes=60)
    assert (ShedState.INACTIVE, 100.0) == (load.state, load.share_pct)


def test_a_level_and_an_amount_are_shares_of_the_baseline(load, clock):
    clock.at = START
    ask(load, encoding.encode_tagged(LEVEL, b"\2", context=True))
    assert 60.0 == load.share_pct
    ask(load, encoding.encode_tagged(AMOUNT, struct.pack(">f", 1.0), context=True))
    assert 75.0 == load.share_pct
    assert encoding.encode_tagged(AMOUNT, struct.pack(">f", 1.0), context=True) == load.read(
        P["requested-shed-level"]
    )


def test_what_it_cannot_do_it_does_as_far_as_it_can_and_says_so(load, clock):
    clock.at = START
    ask(load, percent(10))

    assert (ShedState.NON_COMPLIANT, 40.0) == (load.state, load.share_pct)
    assert percent(40) == load.read(P["actual-shed-level"]) == load.read(P["expected-shed-level"])


def test_one_hundred_per_cent_or_no_start_ends_a_shed(load, clock):
    clock.at = START
    ask(load, percent(60))
    put(load, "requested-shed-level", percent(100))
    assert ShedState.INACTIVE is load.state
    ask(load, percent(60))
    put(load, "start-time", encoding.ANY_DATE + encoding.ANY_TIME)
    assert ShedState.INACTIVE is load.state


def test_without_power_it_forgets(load, clock):
    clock.at = START
    ask(load, percent(60))
    load.forget()

    assert ShedState.INACTIVE is load.state
    assert encoding.encode_unsigned(0) == load.read(P["shed-duration"])
    assert percent(100) == load.read(P["requested-shed-level"])


@pytest.mark.parametrize(
    ("name", "octets", "code"),
    [
        ("requested-shed-level", encoding.encode_unsigned(5), encoding.INVALID_DATA_TYPE),
        ("requested-shed-level", encoding.encode_tagged(3, b"\1", context=True), encoding.INVALID_DATA_TYPE),
        (
            "requested-shed-level",
            encoding.encode_tagged(LEVEL, b"\x09", context=True),
            encoding.VALUE_OUT_OF_RANGE,
        ),
        (
            "requested-shed-level",
            encoding.encode_tagged(AMOUNT, b"\1", context=True),
            encoding.INVALID_DATA_TYPE,
        ),
        ("shed-duration", encoding.encode_real(5.0), encoding.INVALID_DATA_TYPE),
        ("start-time", encoding.encode_unsigned(5), encoding.INVALID_DATA_TYPE),
        (
            "start-time",
            encoding.encode_tagged(10, b"\x7e\x0d\x01\x01") + encoding.encode_tagged(11, b"\0\0\0\0"),
            encoding.VALUE_OUT_OF_RANGE,
        ),
        ("present-value", encoding.encode_enumerated(1), encoding.WRITE_ACCESS_DENIED),
    ],
)
def test_what_makes_no_sense_is_refused(load, name, octets, code):
    with pytest.raises(Refusal) as refusal:
        put(load, name, octets)

    assert code == refusal.value.code


def test_its_levels_are_an_array_with_words(load):
    assert encoding.encode_unsigned(3) == load.read(P["shed-levels"], 0)
    assert encoding.encode_text("least ventilation") == load.read(P["shed-level-descriptions"], 3)
    assert encoding.encode_real(4.0) == load.read(P["full-duty-baseline"])
