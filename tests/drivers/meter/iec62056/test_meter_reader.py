"""The conversation of modes A, B and C, with meters that answer as the standard has it and as they do."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from quartier_drivers.errors import NoReply
from quartier_drivers.meter.iec62056.meter_reader import (
    BREAK_MESSAGE,
    Iec62056Reader,
    ReplyTimes,
    make_reader,
)

if TYPE_CHECKING:
    from quartier_drivers.meter.telegrams import LineRequest

SETS = ["0.0.0(12345678)", "1.8.0(001234.56*kWh)"]


class Line:
    """A wire with a meter: what is sent at the right speed is answered; time-outs are silence."""

    def __init__(
        self, answer: Callable[[bytes, int], list[tuple[int, bytes]]], *, chunk: int = 7, echo: bool = False
    ) -> None:
        self.answer = answer
        self.asks: list[LineRequest] = []
        self.baud = 0
        self.coming: list[tuple[int, bytes]] = []
        self.chunk = chunk
        self.echo = echo

    def converse(self, talk):
        heard = None
        while True:
            try:
                ask = next(talk) if heard is None else talk.send(heard)
            except StopIteration as stop:
                return stop.value
            self.asks.append(ask)
            assert len(self.asks) < 2_000
            self.baud = ask.baud or self.baud
            if ask.fresh:
                self.coming = []
            if ask.send:
                if self.echo:
                    self.coming.append((self.baud, ask.send))
                self.coming += self.answer(ask.send, self.baud)
            heard = self._next()

    def _next(self) -> bytes:
        while self.coming:
            baud, data = self.coming.pop(0)
            if baud != self.baud and data:
                if baud > self.baud:  # it will come, once we have changed the speed
                    self.coming.insert(0, (baud, data))
                    return b""
                continue
            head, rest = data[: self.chunk], data[self.chunk :]
            if rest:
                self.coming.insert(0, (baud, rest))
            return head
        return b""

    @property
    def sent(self) -> list[bytes]:
        return [ask.send for ask in self.asks if ask.send]


def mode_c(wire: SimpleNamespace, letter: str = "5", address: str = "", damaged: int = 0) -> Callable:
    speeds = {"0": 300, "1": 600, "2": 1200, "3": 2400, "4": 4800, "5": 9600, "6": 19200}
    good = wire.data_message(*SETS)
    state = {"damaged": damaged}

    def answer(sent: bytes, baud: int) -> list[tuple[int, bytes]]:
        if sent == b"/?" + address.encode() + b"!\r\n" and baud == 300:
            return [(300, wire.identity(f"LGZ{letter}ZMD3104100.B32"))]
        if (sent[:2] == b"\x060" and sent[3:] == b"0\r\n") or sent == b"\x15":
            speed = speeds[chr(sent[2])] if sent != b"\x15" else baud
            state["damaged"] -= 1
            return [(speed, good if state["damaged"] < 0 else good.replace(b"1234.56", b"1234.57"))]
        return []

    return answer


def test_a_meter_of_mode_c_is_followed_to_its_speed(wire: SimpleNamespace):
    line = Line(mode_c(wire))
    [telegram] = line.converse(make_reader().read())

    assert ("12345678", 1234.56) == (telegram.meter, telegram.groups[1].value)
    assert [b"/?!\r\n", b"\x06050\r\n"] == line.sent
    assert [(300, "7E1"), (9600, "7E1")] == [(ask.baud, ask.framing) for ask in line.asks if ask.baud]
    assert [b"", 9600] == [line.asks[-20].send if len(line.asks) > 20 else b"", line.baud]


@pytest.mark.parametrize(("letter", "speed"), [("0", 300), ("3", 2400), ("4", 4800), ("6", 19200)])
def test_every_speed_of_mode_c_is_known(wire: SimpleNamespace, letter, speed):
    line = Line(mode_c(wire, letter))

    assert 1 == len(line.converse(make_reader().read()))
    assert speed == line.baud


def test_a_head_may_be_slower_than_its_meter(wire: SimpleNamespace):
    line = Line(mode_c(wire, "6"))

    assert 1 == len(line.converse(make_reader(speed_max=4800).read()))
    assert b"\x06040\r\n" in line.sent


def test_a_serial_server_keeps_its_speed(wire: SimpleNamespace):
    line = Line(mode_c(wire, "6"))

    assert 1 == len(line.converse(make_reader(over_tcp=True).read()))
    assert b"\x06000\r\n" in line.sent


def test_a_meter_may_be_asked_at_another_speed_first(wire: SimpleNamespace):
    def answer(sent, _baud):
        return mode_c(wire)(sent, 300) if sent[:1] == b"\x06" else [(9600, wire.identity("LGZ5ZMD"))]

    line = Line(answer)

    assert 1 == len(line.converse(make_reader(speed=9600, framing="8N1").read()))
    assert [(9600, "8N1")] * 2 == [(ask.baud, ask.framing) for ask in line.asks if ask.baud]


def test_a_meter_may_be_asked_by_its_address(wire: SimpleNamespace):
    line = Line(mode_c(wire, address="00012345"))

    assert 1 == len(line.converse(make_reader(address="00012345").read()))
    assert b"/?00012345!\r\n" == line.sent[0]


@pytest.mark.parametrize("address", ["!", "1" * 33, "12/3", "\r\n", "ä"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match="no address"):
        make_reader(address=address)


def test_a_head_may_hear_itself(wire: SimpleNamespace):
    assert 1 == len(Line(mode_c(wire), echo=True).converse(make_reader().read()))


def test_a_quick_meter_is_answered_quickly(wire: SimpleNamespace):
    def answer(sent, baud):
        return [(300, wire.identity("EMh5LZQJ"))] if sent[:1] == b"/" else mode_c(wire)(sent, baud)

    line = Line(answer)
    line.converse(make_reader().read())

    assert 0.02 in [ask.wait_s for ask in line.asks]


def test_a_meter_of_mode_b_changes_its_speed_by_itself(wire: SimpleNamespace):
    def answer(sent, _baud):
        if sent != b"/?!\r\n":
            return []
        return [
            (300, wire.identity("LUGCUH50")),
            (2400, wire.data_message("6.8(0417.250*MWh)9.21(00004711)")),
        ]

    line = Line(answer)
    [telegram] = line.converse(make_reader(wake_count=40).read())

    assert "00004711" == telegram.meter
    assert [b"\0" * 40, b"/?!\r\n"] == line.sent
    assert 2400 == line.baud


def test_a_meter_of_mode_a_goes_on_at_once(wire: SimpleNamespace):
    def answer(sent, _baud):
        return [(300, wire.identity("KAM MC") + wire.data_message(*SETS))] if sent == b"/?!\r\n" else []

    assert 1 == len(Line(answer, chunk=1000).converse(make_reader().read()))
    assert 1 == len(Line(answer, chunk=1).converse(make_reader().read()))


def test_damaged_data_is_asked_for_again(wire: SimpleNamespace):
    line = Line(mode_c(wire, damaged=1))

    assert 1 == len(line.converse(make_reader().read()))
    assert b"\x15" == line.sent[-1]


def test_data_that_stays_damaged_is_named(wire: SimpleNamespace):
    with pytest.raises(NoReply, match=r"LGZ5ZMD3104100\.B32: what it sent was damaged"):
        Line(mode_c(wire, damaged=99)).converse(make_reader().read())


def test_a_head_that_cannot_follow_is_served_at_300(wire: SimpleNamespace):
    def answer(sent, baud):
        return [] if sent == b"\x06050\r\n" else mode_c(wire)(sent, baud)

    line = Line(answer)

    assert 1 == len(line.converse(make_reader().read()))
    assert [b"/?!\r\n", b"\x06050\r\n", BREAK_MESSAGE, b"/?!\r\n", b"\x06000\r\n"] == line.sent


def test_silence_is_named_after_some_tries():
    line = Line(lambda _sent, _baud: [])

    with pytest.raises(NoReply, match="did not answer"):
        line.converse(make_reader().read())
    assert 3 == line.sent.count(b"/?!\r\n")


def test_a_meter_that_only_says_who_it_is_is_named(wire: SimpleNamespace):
    line = Line(lambda sent, _baud: [(300, wire.identity("ABC5x"))] if sent[:1] == b"/" else [])

    with pytest.raises(NoReply, match="sent no data"):
        line.converse(make_reader().read())


def test_a_babbling_line_comes_to_an_end():
    line = Line(lambda _sent, _baud: [(300, b"\x55" * 100_000)], chunk=1000)

    with pytest.raises(NoReply):
        line.converse(Iec62056Reader(pace=ReplyTimes(tries_count=2)).read())
