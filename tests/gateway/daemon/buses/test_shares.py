"""Shares follow the site file: who listens, for which bus, and what is shown of it."""

import asyncio
import contextlib
import socket
import struct

import pytest

from quartier.daemon.buses import shares
from quartier.daemon.buses.shares import ClientWrites, Shares
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.contract import Origin
from quartier_drivers.modbus.sharing.client_requests import RequestedWrite
from quartier_drivers.modbus.sharing.server import ClientWrite

VIRTUAL_TIME = True

READ = b"\x04\x00\x0c\x00\x02"  # the meter's power, which is polled


def free_ports(count):
    """Ports that nobody uses, drawn together so that all differ."""
    with contextlib.ExitStack() as held:
        found = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in found]


def declared(port, more=""):
    """The site of the yard with a share of the board's bus."""
    line = f'shares.portal = {{ bus = "board", listen = "127.0.0.1:{port}", clients = ["127.0.0.1"]{more} }}'
    return ("site = {", f"{line}\nsite = {{")


async def asked(port, unit=1, pdu=READ):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack(">HHHB", 5, 0, len(pdu) + 1, unit) + pdu)
    try:
        number, _, length, said = struct.unpack(">HHHB", await reader.readexactly(7))
        assert (number, said) == (5, unit)
        return await reader.readexactly(length - 1)
    finally:
        writer.close()


async def opened(yard, port, more=""):
    loaded = await yard.follow(declared(port, more))
    yard.fleet.share(loaded.site)
    await yard.until(lambda: yard.fleet.shares.render_shares("board")[0]["listens"])
    await yard.until(lambda: yard.seen("boiler.power_w") is not None)


async def test_a_share_is_served_over_the_buses_connection(yard):
    async with yard(rate=10.0) as (made, devices):
        (port,) = free_ports(1)
        await opened(made, port, ", age_max_s = 0")
        said = await asked(port)

        assert said == devices["meter"].answer(1, READ).pdu
        told = made.fleet.shares.render_shares("board")[0]
        assert (told["name"], told["listen"], told["why"]) == ("portal", f"127.0.0.1:{port}", "")
        assert (told["counts"]["requests"], told["counts"]["wire"]) == (1, 1)
        assert made.fleet.shares.render_shares("lan") == []


async def test_all_units_of_the_buses_devices_may_be_asked_and_no_other(yard):
    async with yard(rate=10.0) as (made, _):
        (port,) = free_ports(1)
        await opened(made, port)
        coil = b"\x01\x00\x00\x00\x08"

        assert (await asked(port, 3, coil))[0] == 1
        assert await asked(port, 4, coil) == b"\x81\x0a"


async def test_a_device_that_is_silent_is_answered_for_at_once(yard):
    async with yard(rate=60.0) as (made, devices):
        (port,) = free_ports(1)
        await opened(made, port, ", age_max_s = 0")
        devices["meter"].fault("silent")
        await made.until(lambda: made.buses["board"].devices["meter"].silent)
        before = made.fleet.shares.render_shares("board")[0]["counts"]["absent"]

        assert await asked(port) == b"\x84\x0b"
        assert made.fleet.shares.render_shares("board")[0]["counts"]["absent"] == before + 1


async def test_a_new_file_changes_the_share_and_the_bus_does_not_miss_a_poll(yard):
    async with yard(rate=10.0) as (made, _):
        port, other = free_ports(2)
        await opened(made, port)
        bus = made.buses["board"]
        loaded = await made.follow(declared(other))
        made.fleet.share(loaded.site)
        await made.until(lambda: made.fleet.shares.render_shares("board")[0]["listens"])

        assert made.buses["board"] is bus
        assert (await asked(other))[0] == 4
        with pytest.raises(ConnectionRefusedError):
            await asked(port)


async def test_a_share_that_stays_keeps_its_clients(yard):
    async with yard(rate=10.0) as (made, _):
        (port,) = free_ports(1)
        await opened(made, port)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        await made.until(lambda: made.fleet.shares.render_shares("board")[0]["connections"] == 1)
        loaded = await made.follow(declared(port), ("rated_w = 2000", "rated_w = 2100"))
        made.fleet.share(loaded.site)

        assert made.fleet.shares.render_shares("board")[0]["connections"] == 1
        writer.close()


async def test_a_share_goes_on_over_a_new_bus(yard):
    async with yard(rate=10.0) as (made, _):
        (port,) = free_ports(1)
        await opened(made, port)
        before = made.buses["board"]
        loaded = await made.follow(
            declared(port), ("timeout_s = 2.0 }\ndevices", "timeout_s = 3.0 }\ndevices")
        )
        made.fleet.share(loaded.site)
        await made.until(lambda: made.buses["board"].online)
        await made.until(lambda: made.fleet.shares.render_shares("board")[0]["listens"])

        assert made.buses["board"] is not before
        assert (await asked(port))[0] == 4


async def test_a_port_that_is_taken_is_told(yard):
    async with yard(rate=10.0) as (made, _):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            loaded = await made.follow(declared(port))
            made.fleet.share(loaded.site)
            await made.until(made.fleet.shares.find_failed_shares)

            assert made.fleet.shares.find_failed_shares() == {
                "portal": f"cannot listen at 127.0.0.1:{port}: Address already in use"
            }


async def test_without_shares_nothing_of_it_is_made(yard):
    async with yard(rate=10.0) as (made, _):
        made.fleet.share((await made.follow()).site)

        assert isinstance(made.fleet.shares, Shares)
        assert made.fleet.shares.render_shares("board") == []
        assert made.buses["board"].gaps.client_requests is None


WRITTEN = RequestedWrite("holding", 1000, 2, (7, 8))


class Ears:
    def __init__(self):
        self.rows, self.notes = [], []

    def handle_client_write(self, write, now_ns):
        assert now_ns >= 0
        self.rows.append((write.point, write.who, write.why, write.value, write.verdict, write.note))


def passing(ears):
    return ClientWrites(SiteClock(ClockSetting()), lambda: ears, ears.notes.append)


def one(verdict, written=WRITTEN, why="", function=16):
    return ClientWrite("portal", "192.168.1.40", 1, function, written, verdict, why)


async def test_a_write_to_a_device_of_an_asset_is_a_row_of_it():
    ears = Ears()
    passing(ears)({1: ["heat_pump"]}, one("refused", why="exception 2"))

    assert ears.rows == [
        (
            "heat_pump.holding_1000_index",
            Origin("client", "portal", "192.168.1.40"),
            "function 16 from 192.168.1.40: 7 8",
            7.0,
            "refused",
            "exception 2",
        )
    ]
    assert not ears.notes


async def test_a_write_to_a_unit_of_nobody_is_told():
    ears = Ears()
    passing(ears)({}, one("done"))

    (note,) = ears.notes
    assert (note.code, note.text) == (
        "share.wrote",
        "share portal wrote 1/holding:1000, function 16 from 192.168.1.40: 7 8: done",
    )
    assert not ears.rows


async def test_who_tries_again_and_again_is_told_of_once_a_minute_with_how_often(monkeypatch):
    ears = Ears()
    hear = passing(ears)
    for _ in range(5):
        hear({}, one("barred"))
    monkeypatch.setattr(shares, "REPORT_PERIOD_S", 0.0)
    hear({}, one("barred", written=None, function=6))

    assert [note.text for note in ears.notes] == [
        "192.168.1.40 of share portal may not write 1/holding:1000 by function 16",
        "192.168.1.40 of share portal may not write unit 1 by function 6; 4 more since the last time this was told",
    ]
    assert {note.data["share"] for note in ears.notes} == {"portal"}
    assert {note.code for note in ears.notes} == {"share.write_refused"}


@pytest.mark.parametrize(("values", "shown"), [((1,), "1"), (tuple(range(20)), "0 1 2 3 4 5 6 7 …")])
async def test_long_writes_are_cut_short(values, shown):
    ears = Ears()
    passing(ears)({1: ["pump"]}, one("done", RequestedWrite("holding", 5, len(values), values)))

    assert ears.rows[0][2].endswith(f": {shown}")
