"""What a share's client writes stands in the ledger; what it may not write is told, not shouted."""

import pytest

from quartier.daemon.buses import shares
from quartier.daemon.buses.shares import ClientWrites
from quartier.runtime.clock import ClockSetting, SiteClock
from quartier_drivers.contract import Origin
from quartier_drivers.modbus.sharing.client_requests import RequestedWrite
from quartier_drivers.modbus.sharing.server import ClientWrite

WRITTEN = RequestedWrite("holding", 1000, 2, (7, 8))


class Ears:
    def __init__(self):
        self.rows, self.notes = [], []

    def passed(self, *row):
        self.rows.append(row[:6])


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
