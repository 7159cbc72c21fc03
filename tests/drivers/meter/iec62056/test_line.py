"""A meter of mode C is asked over a real line: a pty, with parity, with the head's echo."""

import asyncio
from types import SimpleNamespace

import pytest
from tests.drivers.meter.conftest import opened

from quartier_drivers.errors import NoReply
from quartier_drivers.meter.connection.line import MeterLine
from quartier_drivers.meter.connection.line_settings import PROTOCOL_SETTINGS
from quartier_drivers.meter.iec62056.meter_reader import Iec62056Reader, ReplyTimes, make_reader

QUICK = ReplyTimes(identity_s=0.5, turn_s=0.01, first_s=0.5, next_s=0.2, wake_s=0.05)


class Meter:
    """The far end of the line: answers requests and acknowledgements with parity in the eighth bit."""

    def __init__(self, wire: SimpleNamespace, plug, *, echo: bool = False) -> None:
        self.wire = wire
        self.plug = plug
        self.echo = echo
        self.heard = b""

    def read(self) -> None:
        data = self.plug.hear()
        if self.echo:
            self.plug.say(data)
        self.heard += bytes(code & 0x7F for code in data)
        if self.heard.endswith(b"/?!\r\n"):
            self._say(self.wire.identity("LGZ5ZMD3104100.B32"))
        elif self.heard.endswith(b"\x06050\r\n"):
            self._say(self.wire.data_message("0.0.0(12345678)", "1.8.0(001234.56*kWh)"))
        else:
            return
        self.heard = b""

    def _say(self, text: bytes) -> None:
        self.plug.say(self.wire.as_eight_bits(text))


@pytest.mark.parametrize("echo", [False, True])
async def test_a_meter_is_asked_over_a_line(wire: SimpleNamespace, plug, house_time, echo):
    port = MeterLine("heat", "iec62056", plug.path, PROTOCOL_SETTINGS["iec62056"], house_time)
    loop = asyncio.get_running_loop()
    loop.add_reader(plug.master, Meter(wire, plug, echo=echo).read)
    one = Iec62056Reader(pace=QUICK)
    async with opened(port):
        for _ in range(2):
            [telegram] = await port.converse(one.read())
            assert ("12345678", 1234.56) == (telegram.meter, telegram.groups[1].value)
            assert 9600 == port.setting.baud
    loop.remove_reader(plug.master)


async def test_a_line_without_a_meter_says_so(plug, house_time):
    port = MeterLine("heat", "iec62056", plug.path, PROTOCOL_SETTINGS["iec62056"], house_time)
    async with opened(port):
        with pytest.raises(NoReply, match="did not answer"):
            await port.converse(Iec62056Reader(pace=QUICK).read())


def test_the_profile_sets_how_a_meter_is_asked():
    assert b"/?42!\r\n" == make_reader(address="42", wake_count=3)._request
