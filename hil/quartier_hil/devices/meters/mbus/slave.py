"""One M-Bus slave: its addresses, its telegrams, its frame count bit, and how it misbehaves.

Source: EN 13757-2:2018 sections 5.5 (link services, FCB) and EN 13757-3:2018 sections 11 and 12
(selection by secondary address with wild cards, setting of the primary address).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from quartier_hil.devices.meters.mbus import frame
from quartier_hil.devices.meters.mbus.frame import Identity
from quartier_hil.devices.meters.mbus.record import Record
from quartier_hil.devices.meters.speech import Telegram

SELECTED, ANYBODY, EVERYBODY = 0xFD, 0xFE, 0xFF
_INITIALISE, _REQUEST_DATA, _REQUEST_ALARM, _SEND = 0x40, 0x4B, 0x4A, 0x43
_FCB, _FCV = 0x20, 0x10
_SELECT, _RESET, _SET = 0x52, 0x50, 0x51
_SET_ADDRESS = b"\x01\x7a"

Pages = Callable[[], Sequence[Sequence[Record]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer of a slave, ``wait_s`` real seconds after the request; ``telegram`` where it is one."""

    data: bytes
    wait_s: float = 0.0
    telegram: Telegram | None = None


@dataclass(frozen=True, slots=True)
class Heard:
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
        identity: Identity,
        pages: Pages,
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
        self._last: Reply | None = None
        self._access = 0

    def answer(self, heard: Heard) -> Reply | None:
        """Return the answer to a frame on the line; None for no answer."""
        if self.off:
            return None
        if heard.address == SELECTED and heard.ci == _SELECT:
            return self._select(heard.data)
        if not self._is_meant(heard.address):
            return None
        reply = self._serve(heard)
        return None if heard.address == EVERYBODY else reply

    def _is_meant(self, address: int) -> bool:
        if address == SELECTED:
            return self.selected
        return address in (self.address, ANYBODY, EVERYBODY)

    def _select(self, wanted: bytes) -> Reply | None:
        """Nibbles of the number, bytes of the rest: F is any."""
        self.selected = len(wanted) >= 8 and all(
            _fits(mine, asked, nibbles=place < 4)
            for place, (mine, asked) in enumerate(zip(self.identity.data, wanted, strict=False))
        )
        self._fcb = None
        self._page = 0
        return Reply(frame.ACKNOWLEDGED, self.wait_s) if self.selected else None

    def _serve(self, heard: Heard) -> Reply | None:
        control = heard.control & ~(_FCB | _FCV)
        if heard.control == _INITIALISE:
            self._fcb, self._page = None, 0
            if heard.address == SELECTED:
                self.selected = False
            return Reply(frame.ACKNOWLEDGED, self.wait_s)
        if control == _REQUEST_ALARM:
            return Reply(frame.ACKNOWLEDGED, self.wait_s)
        if control == _SEND:
            return self._take(heard)
        if control == _REQUEST_DATA:
            return self._data(heard.control)
        return None

    def _take(self, heard: Heard) -> Reply:
        if heard.ci == _RESET:
            self._page = 0
        elif heard.ci == _SET and heard.data.startswith(_SET_ADDRESS):
            self.address = heard.data[2]
        return Reply(frame.ACKNOWLEDGED, self.wait_s)

    def _data(self, control: int) -> Reply:
        if self.busy_count:
            self.busy_count -= 1
            return Reply(frame.error(frame.BUSY, self.address), self.wait_s)
        fcb = bool(control & _FCB)
        if control & _FCV and fcb == self._fcb and self._last is not None:
            return self._last  # the master did not get it: the same again
        pages = [()] if self._fixed else list(self._pages())
        if self._fcb is not None:
            self._page = (self._page + 1) % len(pages)
        self._fcb = fcb if control & _FCV else None
        self._last = self._page_of(pages)
        return self._last

    def _page_of(self, pages: Sequence[Sequence[Record]]) -> Reply:
        if self._fixed is not None:
            telegram = self._fixed()
        else:
            self._page = min(self._page, len(pages) - 1)
            more = self._page < len(pages) - 1
            telegram = frame.response(
                self.identity, pages[self._page], address=self.address, access=self._access, more=more
            )
        self._access += 1
        self.told.append(telegram)
        del self.told[:-100]
        return Reply(telegram.data, self.wait_s, telegram)


def _fits(mine: int, asked: int, *, nibbles: bool) -> bool:
    if not nibbles:
        return asked in (mine, 0xFF)
    return all((asked >> shift & 0xF) in (mine >> shift & 0xF, 0xF) for shift in (0, 4))
