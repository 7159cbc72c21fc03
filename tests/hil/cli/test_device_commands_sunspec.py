"""A SunSpec device is listed with its sentence, and served by hand with the habits it is told to have."""

import asyncio

import pytest

from quartier_hil import cli
from quartier_hil.cli import device_commands
from quartier_sim.sunspec.sunspec_device import HABITS


def test_every_device_and_every_habit_is_listed(capsys):
    assert 0 == cli.main(["sunspec"])
    said = capsys.readouterr().out

    assert all(name in said and about in said for name, (about, _) in device_commands.SUNSPEC_DEVICES.items())
    assert all(habit.about in said for habit in HABITS.values())


@pytest.mark.parametrize("name", device_commands.SUNSPEC_DEVICES)
def test_each_device_can_be_made(name):
    assert 1 == device_commands.make_sunspec_device(name, []).image.get("1.ID")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["toaster"], "'toaster' is no device; expected one of battery-1xx"),
        (["pv-7xx", "--habit", "lazy"], "'lazy' is no habit; expected one of timer-lost"),
    ],
)
def test_what_cannot_be_served_says_why(words, why, capsys):
    assert 2 == cli.main(["sunspec", *words])
    assert why in capsys.readouterr().err


def test_a_battery_by_hand_does_what_it_is_ordered_and_reverts():
    device = device_commands.make_sunspec_device("battery-7xx", [])
    for path, value in (("704.WSet", -1200), ("704.WSetRvrtTms", 30), ("704.WSetEna", 1)):
        device.image.put(path, value)
    device.handle_write(["704.WSetEna"])
    device_commands.advance_device(device, 29.0)
    assert -1200.0 == device.image.number("701.W")

    device_commands.advance_device(device, 30.0)
    assert 0.0 == device.image.number("701.W")


async def test_it_answers_where_it_says_it_does(capsys):
    serving = asyncio.create_task(
        device_commands.serve_sunspec(device_commands.make_sunspec_device("pv-1xx", []), 0)
    )
    async with asyncio.timeout(60):
        said = ""
        while not said.endswith("\n"):
            said += capsys.readouterr().out
            await asyncio.sleep(0.01)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(said.rpartition(":")[2]))
        writer.write(bytes.fromhex("0001 0000 0006 01 03 9C40 0002"))
        assert b"SunS" == (await reader.readexactly(13))[9:]
    writer.close()
    serving.cancel()
    await asyncio.wait([serving])
