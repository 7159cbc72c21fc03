"""M-Bus slaves: addresses, telegrams, frame count bit; electricity and heat meters.

Source: EN 13757-2:2018 sections 5.5 (link services, FCB) and EN 13757-3:2018 sections 11 and 12 (selection
by secondary address with wild cards, setting of the primary address).
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from quartier_sim.devices.meter_values import MeterValues
from quartier_sim.meters.mbus import frames, records
from quartier_sim.meters.mbus.frames import SlaveIdentity
from quartier_sim.meters.mbus.records import Record, RecordPlace
from quartier_sim.meters.telegrams import Telegram

SELECTED, ANYBODY, EVERYBODY = 0xFD, 0xFE, 0xFF
_INITIALISE, _REQUEST_DATA, _REQUEST_ALARM, _SEND = 0x40, 0x4B, 0x4A, 0x43
_FCB, _FCV = 0x20, 0x10
_SELECT, _RESET, _SET = 0x52, 0x50, 0x51
_SET_ADDRESS = b"\x01\x7a"

RecordPages = Callable[[], Sequence[Sequence[Record]]]


@dataclass(frozen=True, slots=True)
class SlaveReply:
    """Answer of a slave, ``wait_s`` real seconds after the request; ``telegram`` where it is one."""

    data: bytes
    wait_s: float = 0.0
    telegram: Telegram | None = None


@dataclass(frozen=True, slots=True)
class MasterFrame:
    """A frame from the master: control, address, CI (None in a short frame) and data."""

    control: int
    address: int
    ci: int | None = None
    data: bytes = b""


class Slave:
    """Slave: ``pages`` returns the present records of each of its telegrams; several need a toggled FCB.

    ``busy_count``: number of next requests to answer with "application busy".  ``wait_s``: time before
    an answer.  ``off``: it does not answer.  ``fixed``: answer in place of pages.
    """

    def __init__(
        self,
        identity: SlaveIdentity,
        pages: RecordPages,
        *,
        address: int = 0,
        wait_s: float = 0.0,
        fixed: Callable[[], Telegram] | None = None,
    ) -> None:
        self.identity, self.address = identity, address
        self.wait_s = wait_s
        self.busy_count = 0
        self.off = False
        self.selected = False
        self.told: list[Telegram] = []
        self._pages, self._fixed = pages, fixed
        self._fcb: bool | None = None
        self._page = 0
        self._last: SlaveReply | None = None
        self._access = 0

    def answer(self, frame: MasterFrame) -> SlaveReply | None:
        """Return the answer to a frame on the line; None for no answer."""
        if self.off:
            return None
        if frame.address == SELECTED and frame.ci == _SELECT:
            return self._select(frame.data)
        if not self._is_meant(frame.address):
            return None
        reply = self._serve(frame)
        return None if frame.address == EVERYBODY else reply

    def _is_meant(self, address: int) -> bool:
        if address == SELECTED:
            return self.selected
        return address in (self.address, ANYBODY, EVERYBODY)

    def _select(self, wanted: bytes) -> SlaveReply | None:
        """Nibbles of the number, bytes of the rest: F is any."""
        self.selected = len(wanted) >= 8 and all(
            _matches_address(mine, asked, nibbles=place < 4)
            for place, (mine, asked) in enumerate(zip(self.identity.data, wanted, strict=False))
        )
        self._fcb = None
        self._page = 0
        return SlaveReply(frames.ACKNOWLEDGED, self.wait_s) if self.selected else None

    def _serve(self, frame: MasterFrame) -> SlaveReply | None:
        control = frame.control & ~(_FCB | _FCV)
        if frame.control == _INITIALISE:
            self._fcb, self._page = None, 0
            if frame.address == SELECTED:
                self.selected = False
            return SlaveReply(frames.ACKNOWLEDGED, self.wait_s)
        if control == _REQUEST_ALARM:
            return SlaveReply(frames.ACKNOWLEDGED, self.wait_s)
        if control == _SEND:
            return self._take(frame)
        if control == _REQUEST_DATA:
            return self._data(frame.control)
        return None

    def _take(self, frame: MasterFrame) -> SlaveReply:
        if frame.ci == _RESET:
            self._page = 0
        elif frame.ci == _SET and frame.data.startswith(_SET_ADDRESS):
            self.address = frame.data[2]
        return SlaveReply(frames.ACKNOWLEDGED, self.wait_s)

    def _data(self, control: int) -> SlaveReply:
        if self.busy_count:
            self.busy_count -= 1
            return SlaveReply(frames.build_error(frames.BUSY, self.address), self.wait_s)
        fcb = bool(control & _FCB)
        if control & _FCV and fcb == self._fcb and self._last is not None:
            return self._last  # the master did not get it: the same again
        pages = [()] if self._fixed else list(self._pages())
        if self._fcb is not None:
            self._page = (self._page + 1) % len(pages)
        self._fcb = fcb if control & _FCV else None
        self._last = self._page_of(pages)
        return self._last

    def _page_of(self, pages: Sequence[Sequence[Record]]) -> SlaveReply:
        if self._fixed is not None:
            telegram = self._fixed()
        else:
            self._page = min(self._page, len(pages) - 1)
            more = self._page < len(pages) - 1
            telegram = frames.build_response(
                self.identity, pages[self._page], address=self.address, access=self._access, more=more
            )
        self._access += 1
        self.told.append(telegram)
        del self.told[:-100]
        return SlaveReply(telegram.data, self.wait_s, telegram)


def _matches_address(mine: int, asked: int, *, nibbles: bool) -> bool:
    if not nibbles:
        return asked in (mine, 0xFF)
    return all((asked >> shift & 0xF) in (mine >> shift & 0xF, 0xF) for shift in (0, 4))


ELECTRICITY, HEAT = 0x02, 0x04
_WATER_WH_PER_M3_K = 1_163.0
_SPREAD_K, _RETURN_C = 20.0, 30.0


class ElectricitySlave(Slave):
    """Energy in and out in Wh, power in W; ``tell`` moves it."""

    def __init__(self, serial: int, *, address: int = 0, wait_s: float = 0.0) -> None:
        self._mains = MeterValues()
        identity = SlaveIdentity(serial=serial, maker="QRT", medium=ELECTRICITY)
        super().__init__(identity, self._records, address=address, wait_s=wait_s)

    def tell(self, values: Mapping[str, float], _now: dt.datetime) -> None:
        """Take the values of the plant, in gateway units."""
        self._mains.take(values)

    def _records(self) -> Sequence[Sequence[Record]]:
        mains = self._mains
        return [
            [
                records.make_quantity_record("energy", round(mains.energy_import_wh), 0, "bcd8"),
                records.make_quantity_record(
                    "energy", round(mains.energy_export_wh), 0, "bcd8", RecordPlace(subunit=1)
                ),
                records.make_quantity_record("power", round(mains.power_w), 0, "int32"),
            ]
        ]


class HeatSlave(Slave):
    """A heat meter: energy, volume, power, flow and temperatures of a heat in W."""

    def __init__(self, serial: int, *, address: int = 0, wait_s: float = 0.0) -> None:
        self.heat_wh = 0.0
        self.heat_w = 0.0
        self.now = dt.datetime(2026, 1, 1)  # noqa: DTZ001 - a meter's local time
        identity = SlaveIdentity(serial=serial, maker="QRT", medium=HEAT)
        super().__init__(identity, self._records, address=address, wait_s=wait_s)

    def tell(self, values: Mapping[str, float], now: dt.datetime) -> None:
        """Take ``heat_w`` and ``heat_wh`` of the plant at ``now``."""
        self.heat_w = values.get("heat_w", self.heat_w)
        self.heat_wh = values.get("heat_wh", self.heat_wh)
        self.now = now

    def _records(self) -> Sequence[Sequence[Record]]:
        flow = self.heat_w / _WATER_WH_PER_M3_K / _SPREAD_K
        volume = self.heat_wh / _WATER_WH_PER_M3_K / _SPREAD_K
        return [
            [
                records.make_quantity_record("energy", round(self.heat_wh / 1000), 3, "bcd8"),
                records.make_quantity_record("volume", round(volume * 100), -2, "bcd8"),
                records.make_quantity_record("power", round(self.heat_w / 100), 2, "bcd6"),
                records.make_quantity_record("flow", round(flow * 1000), -3, "bcd6"),
                records.make_quantity_record(
                    "flow_temperature", round((_RETURN_C + _SPREAD_K) * 10), -1, "bcd4"
                ),
                records.make_quantity_record("return_temperature", round(_RETURN_C * 10), -1, "bcd4"),
                records.make_date_time_record(self.now),
            ]
        ]
