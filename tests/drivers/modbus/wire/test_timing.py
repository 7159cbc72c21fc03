"""The time of a serial line against numbers worked out by hand from the standard's frames."""

import pytest

from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
from quartier_drivers.modbus.frames import make_read
from quartier_drivers.modbus.wire.timing import TurnaroundTimes, find_silence_s, make_timing


def rtu(**keys: object) -> RtuBus:
    return RtuBus.model_validate({"kind": "modbus-rtu", "port": "/dev/ttyS0", **keys})


@pytest.mark.parametrize(
    ("baud", "parity", "expected_s"),
    [(9600, "N", 0.0036458), (19200, "E", 0.0020052), (38400, "N", 0.00175), (115200, "E", 0.00175)],
)
def test_the_quiet_time_is_fixed_above_19200_baud(baud: int, parity: str, expected_s: float) -> None:
    char_s = (10 + (parity != "N")) / baud

    assert expected_s == pytest.approx(find_silence_s(baud, char_s), abs=1e-7)


@pytest.mark.parametrize(
    ("keys", "bits"),
    [({}, 10), ({"parity": "E"}, 11), ({"stop_bits": 2}, 11), ({"parity": "O", "stop_bits": 2}, 12)],
)
def test_parity_and_stop_bits_make_a_character_longer(keys: dict[str, object], bits: int) -> None:
    assert bits / 9600 == pytest.approx(make_timing(rtu(**keys)).char_s)


def test_ten_registers_at_9600_baud_take_33_characters_two_silences_and_what_the_device_thinks() -> None:
    own = make_timing(rtu())
    request = make_read(1, "holding", 0, 10)

    assert (8 + 3.5 + 25) * 10 / 9600 + 0.02 == pytest.approx(own.exchange_s(request, 0.02))
    assert 3.5 * 10 / 9600 + 0.005 == pytest.approx(own.answer_s)


def test_over_a_network_only_the_answer_takes_time() -> None:
    own = make_timing(TcpBus.model_validate({"kind": "modbus-tcp", "host": "gx"}))

    assert 0.02 == own.exchange_s(make_read(1, "holding", 0, 125), 0.02)
    assert 60 == own.request_cost


def test_a_unit_that_is_new_is_taken_to_answer_at_once() -> None:
    assert 0.0 == TurnaroundTimes().soonest_s(7)


def test_it_grows_slowly_and_shrinks_at_once() -> None:
    turns = TurnaroundTimes()
    turns.learn(1, 0.010)
    assert pytest.approx(0.003) == turns.soonest_s(1)

    for _ in range(60):
        turns.learn(1, 0.010)
    assert pytest.approx(0.010, rel=0.01) == turns.soonest_s(1)
    turns.learn(1, 0.002)
    assert 0.002 == turns.soonest_s(1)
    assert 0.0 == turns.soonest_s(2)


def test_an_answer_that_was_there_before_the_look_brings_it_forward() -> None:
    turns = TurnaroundTimes()
    for _ in range(60):
        turns.learn(1, 0.010)
    for _ in range(10):
        turns.halve(1)

    assert turns.soonest_s(1) < 0.0001


def test_no_turnaround_is_negative() -> None:
    turns = TurnaroundTimes()
    turns.learn(1, -0.001)

    assert 0.0 == turns.soonest_s(1)
