import asyncio

import pytest

from quartier_sim.devices.serial_ports import PtyPort, TcpPort
from quartier_sim.meters import line_noise
from quartier_sim.meters.iec62056.optical_meter import OpticalPort
from quartier_sim.meters.iec62056.readouts import Identification, make_number_set

SETS = [make_number_set("1.8.0", 12.5, (6, 1), "kWh")]


@pytest.fixture
def make():
    """A meter on TCP that reacts at once."""

    def made(**settings):
        return OpticalPort(lambda: SETS, TcpPort(), address="12345678", react_s=0.0, **settings)

    return made


async def _ask(meter, *words, ends=b"\x03"):
    reader, writer = await asyncio.open_connection(meter.port.host, meter.port.port)
    try:
        async with asyncio.timeout(60):
            writer.write(words[0])
            said = await reader.readuntil(b"\r\n")
            for word in words[1:]:
                writer.write(word)
            said += await reader.readuntil(ends)
            return said + await reader.readexactly(1)
    finally:
        writer.close()


async def test_it_says_who_it_is_and_reads_out_at_the_chosen_speed(make):
    async with make() as meter:
        said = await _ask(meter, b"/?!\r\n", b"\x06050\r\n")

        assert said.startswith(b"/QRT5\\2E300\r\n\x021.8.0(")
        assert meter.readouts[0].data == said[said.index(b"\x02") :]


async def test_without_a_choice_it_stays_slow_and_reads_out(make):
    async with make(wait_s=0.01) as meter:
        assert b"1.8.0(00012.5*kWh)" in await _ask(meter, b"/?12345678!\r\n")


async def test_another_address_and_a_sleeping_meter_say_nothing(make):
    async with make(sleeps=True, wait_s=0.01) as meter:
        reader, writer = await asyncio.open_connection(meter.port.host, meter.port.port)
        writer.write(b"/?!\r\n/?99!\r\n" + bytes(40) + b"/?!\r\n")
        async with asyncio.timeout(60):
            await reader.readuntil(b"\x03")
        writer.close()
        assert 1 == meter.sign_ons_count


async def test_a_bad_check_is_sent_as_often_as_asked(make):
    async with make(wait_s=0.01) as meter:
        meter.bad_checks_count = 1
        bad = await _ask(meter, b"/?!\r\n")
        good = await _ask(meter, b"/?!\r\n")

        assert bad[:-1] == good[:-1]
        assert bad[-1] != good[-1]


async def test_a_head_with_an_echo_gives_back_what_it_is_sent(make):
    async with make(echo=True, wait_s=0.01) as meter:
        assert (await _ask(meter, b"/?!\r\n")).startswith(b"/?!\r\n")


async def test_parity_of_a_seven_bit_line_is_heard_and_shown(make):
    async with make(shows_parity=True, wait_s=0.01) as meter:
        reader, writer = await asyncio.open_connection(meter.port.host, meter.port.port)
        writer.write(line_noise.add_parity(b"/?!\r\n"))
        async with asyncio.timeout(60):
            said = await reader.readuntil(line_noise.add_parity(b"\x03"))
        writer.close()

        assert said.startswith(line_noise.add_parity(b"/QRT5"))


async def test_at_the_wrong_speed_it_hears_nothing(tmp_path):
    async with OpticalPort(
        lambda: SETS, PtyPort(tmp_path / "ir"), identification=Identification(speed="4")
    ) as meter:
        meter._hear(b"/?!\r\n")  # a fresh pty is set to 38400
        assert 0 == meter.sign_ons_count
