"""APDUs go to a meter and come back, through small frames, losses, echoes and noise."""

from collections.abc import Callable, Generator
from typing import TypeVar

import pytest
from tests.drivers.meter.dlms.conftest import wrapped
from tests.drivers.meter.dlms.server import Meter, Station

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.meter.dlms.hdlc import make_server_address
from quartier_drivers.meter.dlms.link import HdlcLink, WrapperLink
from quartier_drivers.meter.telegrams import LineRequest

Result = TypeVar("Result")


def held(
    talk: Generator[LineRequest, bytes, Result], answer: Callable[[bytes], bytes], size: int = 0
) -> Result:
    """Hold a conversation; what the meter answers comes in pieces of ``size`` bytes."""
    waiting = b""
    try:
        ask = next(talk)
        for _ in range(5000):
            if ask.send:
                waiting = answer(ask.send)
            part, waiting = (waiting[:size], waiting[size:]) if size else (waiting, b"")
            ask = talk.send(part)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]  # what the conversation returns
    raise AssertionError("a conversation without end")


class Echo(Meter):
    """Answers with what it is asked, turned around."""

    def answer(self, apdu: bytes) -> bytes:
        self.log.append(apdu)
        return apdu[::-1]


def link(**settings: float) -> HdlcLink:
    return HdlcLink(16, make_server_address(1, 17), wait_s=1.0, **settings)  # type: ignore[arg-type]  # retries are whole


def exchanged(station: Station, apdu: bytes, size: int = 0, count: int = 1) -> bytes:
    made = link()
    held(made.connect(), station.hear, size)
    for _ in range(count):
        answer = held(made.exchange(apdu), station.hear, size)
    held(made.disconnect(), station.hear, size)
    return answer


@pytest.mark.parametrize("size", [0, 1, 13])
@pytest.mark.parametrize("count", [1, 500, 1500])
def test_requests_and_answers_of_any_length_pass_through_frames_of_128_bytes(count: int, size: int) -> None:
    apdu = bytes(number % 251 for number in range(count))

    assert apdu[::-1] == exchanged(Station(Echo()), apdu, size)


def test_numbers_go_round() -> None:
    station = Station(Echo())

    assert b"ba" == exchanged(station, b"ab", count=20)
    assert 20 == len(station.meter.log)


def test_the_sizes_that_the_meter_grants_are_kept() -> None:
    granted = bytes.fromhex("818014050200400602004007040000000108 0400000001".replace(" ", ""))
    station = Station(Echo(), size=64, granted=granted)

    assert bytes(300) == exchanged(station, bytes(300))


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5, 6, 7, 8])
def test_a_lost_frame_is_asked_for_again(lost: int) -> None:
    station = Station(Echo(), lose=lambda number: number == lost)

    assert bytes(400) == exchanged(station, bytes(400))
    assert 1 == len(station.meter.log)


def test_our_own_echo_and_noise_are_no_answer() -> None:
    station = Station(Echo())
    made = link()

    def hear(sent: bytes) -> bytes:
        return sent + b"\x7e\xa0" + station.hear(sent) + b"\xff\x00"

    held(made.connect(), hear)
    assert b"cba" == held(made.exchange(b"abc"), hear)


def test_a_silent_meter_is_no_reply() -> None:
    with pytest.raises(NoReply, match="SNRM"):
        held(link().connect(), lambda _: b"")
    station, made = Station(Echo()), link()
    held(made.connect(), station.hear)
    with pytest.raises(NoReply, match="does not take"):
        held(made.exchange(b"ab"), lambda _: b"")


def test_a_meter_in_disconnected_mode_says_so() -> None:
    station, made = Station(Echo()), link()
    with pytest.raises(Refused, match="DM"):
        held(made.connect(), lambda _: station._frame(0x1F))
    held(made.connect(), station.hear)
    with pytest.raises(NoReply, match="dropped"):
        held(made.exchange(b"ab"), lambda _: station._frame(0x1F))


def test_a_meter_that_talks_without_end_is_given_up() -> None:
    station, made = Station(Echo()), link()
    held(made.connect(), station.hear)
    with pytest.raises(NoReply):
        held(made.exchange(b"ab"), lambda _: station._frame(0x11) * 300)


def test_an_answer_without_end_is_given_up() -> None:
    class Endless(Station):
        def _information(self) -> bytes:
            self._answer = [bytes(120)] * 3
            return super()._information()

    made, station = link(), Endless(Echo())
    held(made.connect(), station.hear)
    with pytest.raises(NoReply, match="more than"):
        held(made.exchange(b"ab"), station.hear)


@pytest.mark.parametrize("size", [0, 1])
def test_the_wrapper_carries_apdus_over_tcp(size: int) -> None:
    made = WrapperLink(16, 1)

    def hear(sent: bytes) -> bytes:
        assert b"\0\x01\0\x10\0\x01\0\x06" + b"\xc0abcde" == sent
        return wrapped(b"\x0fother" + bytes(3)).replace(b"\0\x10", b"\0\x11", 1) + wrapped(b"\xc4answer")

    held(made.connect(), hear, size)
    assert b"\xc4answer" == held(made.exchange(b"\xc0abcde"), hear, size)
    sent: list[bytes] = []
    held(made.disconnect(), lambda data: sent.append(data) or b"")  # type: ignore[func-returns-value]  # for its None
    assert [b"\0\x01\0\x10\0\x01\0\x05" + b"\x62\x03\x80\x01\x00"] == sent
    with pytest.raises(NoReply, match="wrapper"):
        held(made.exchange(b"\xc0abcde"), lambda _: b"")
    with pytest.raises(Refused, match="too long"):
        held(made.exchange(bytes(20_000)), hear)


def test_a_meter_behind_an_optical_head_is_woken_first() -> None:
    station = Station(Echo())
    made = HdlcLink(16, make_server_address(1, 17), wait_s=1.0, is_optical=True)

    def hear(sent: bytes) -> bytes:
        if sent[:1] == b"\x7e":
            return station.hear(sent)
        return b"/LGZ5ZMD\r\n" if sent[:1] == b"/" else b""

    held(made.connect(), hear)
    assert b"ba" == held(made.exchange(b"ab"), hear)
