"""A quirk is listed with its sentence, and served by hand on a socket or a pty."""

import asyncio

import pytest

from quartier_hil import cli
from quartier_hil.cli import device_commands
from quartier_sim.modbus import framing
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QUIRKS


def test_every_quirk_is_listed_with_its_sentence(capsys):
    assert 0 == cli.main(["quirks"])
    said = capsys.readouterr().out

    assert all(f"{one.name} " in said and one.about in said for one in QUIRKS.values())


def test_a_quirk_is_served_on_the_wire_that_was_asked_for():
    assert isinstance(device_commands.make_quirk_server("late", tcp=0, seconds=2, code=None), QuirkyTcpServer)
    assert isinstance(
        device_commands.make_quirk_server("late", tcp=None, seconds=None, code=None), QuirkyRtuSlave
    )


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["late-ish"], "quartier-hil quirks lists them"),
        (["echo", "--tcp", "0"], "echo is a quirk of rtu only"),
        (["echo", "--rtu-tcp", "0"], "echo is no quirk of serial frames over TCP"),
        (["old-number", "--rtu-tcp", "0"], "old-number is no quirk of serial frames over TCP"),
    ],
)
def test_what_cannot_be_served_says_why(words, why, capsys):
    assert 2 == cli.main(["quirks", *words])
    assert why in capsys.readouterr().err


async def test_a_client_by_hand_is_answered_and_shown(capsys):
    odd = device_commands.make_quirk_server("busy", tcp=0, seconds=None, code=None)
    serving = asyncio.create_task(device_commands.serve_quirk(odd))
    async with asyncio.timeout(60):
        while not odd.port:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", odd.port)
        writer.write(bytes.fromhex("0001 0000 0006 01 03 0010 0001"))
        assert bytes.fromhex("0001 0000 0003 01 83 06") == await reader.readexactly(9)
        shown = ""
        while "03 00 10 00 01" not in shown:
            shown += capsys.readouterr().err
            await asyncio.sleep(0.01)
    writer.close()
    serving.cancel()
    await asyncio.wait([serving])


@pytest.mark.parametrize(("name", "before"), [("busy", b""), ("noise", None)])
async def test_a_quirk_is_served_in_the_frames_of_a_serial_line_over_tcp(name, before):
    odd = device_commands.make_quirk_server(name, tcp=0, seconds=None, code=None, rtu=True)
    async with odd, asyncio.timeout(60):
        reader, writer = await asyncio.open_connection("127.0.0.1", odd.port)
        writer.write(framing.build_rtu_frame(1, bytes.fromhex("03 0010 0001")))
        heard = b""
        while not heard.endswith(
            answer := framing.build_rtu_frame(1, bytes.fromhex("83 06" if before == b"" else "03 02 0010"))
        ):
            heard += await reader.read(64)
        writer.close()

    assert (before is None) == (heard != answer)
