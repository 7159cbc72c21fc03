"""A quirky device on a serial line: a pseudo terminal, with other devices where the quirk needs them."""

import asyncio
import contextlib
import os
import struct
import termios
import tty
from collections.abc import Coroutine, Mapping
from typing import Any, Self

from quartier_hil.devices import wire
from quartier_hil.devices.mischief import Said
from quartier_hil.devices.odd import Odd
from quartier_hil.devices.quirk import Quirk
from quartier_hil.devices.unit import Unit

# What other masters and their slaves say: never a right answer to anything that we ask.
FOREIGN_WORD = 0xDEAD
_FOREIGN_UNIT = 33
_FOREIGN_START = 0x3300


class OddPty(Odd):
    """A Modbus RTU slave with one quirk.  With a ``baud``, it receives noise at every other setting."""

    def __init__(
        self,
        units: Mapping[int, Unit],
        quirk: Quirk | None = None,
        left: int | None = None,
        *,
        baud: int | None = None,
    ) -> None:
        super().__init__(units, quirk, left)
        self.baud = baud
        self.path = ""
        self.collisions_count = 0
        self._heard = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        self._master = self._slave = -1
        self._foreign_speaks = False

    @property
    def url(self) -> str:
        """``rtu:/dev/pts/3``."""
        return f"rtu:{self.path}"

    async def __aenter__(self) -> Self:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        asyncio.get_running_loop().add_reader(self._master, self._readable)
        if self.name == "foreign-babble":
            self._run(self._babble())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.quit()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)

    def _readable(self) -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(self._master, 4096)
            if self.name == "echo":
                self._say(data)
            if self._foreign_speaks:
                self.collisions_count += 1  # two voices at once: nobody understands either
                return
            if self.baud is not None and not self._at_its_baud():
                self._say(bytes(byte ^ 0x9E for byte in data))
                return
            self._heard += data
        while (size := wire.rtu_request_bytes(self._heard)) is not None and len(self._heard) >= size:
            request = wire.rtu_request(bytes(self._heard[:size]))
            del self._heard[:size]
            if request is None:
                self._heard.clear()
                return
            for one in self.hear(*request):
                self._send(one)
            if self.name in ("foreign-master", "foreign-twin"):
                self._run(self._foreign(*request))

    def _at_its_baud(self) -> bool:
        speed = getattr(termios, f"B{self.baud}")
        return bool(termios.tcgetattr(self._slave)[4] == speed)

    def _send(self, one: Said) -> None:
        if one.wait_s or one.spread_s:
            self._run(self._later(one))
        else:
            self._say(one.rtu())

    async def _later(self, one: Said) -> None:
        await asyncio.sleep(one.wait_s)
        frame = one.rtu()
        step = 1 if one.spread_s else len(frame)
        for start in range(0, len(frame), step):
            self._say(frame[start : start + step])
            await asyncio.sleep(one.spread_s)

    async def _foreign(self, unit: int, asked: bytes) -> None:
        """Send the exchange of another master after our answer: a request, and after a while its answer."""
        twin = self.name == "foreign-twin"
        slave = unit if twin else _FOREIGN_UNIT
        function = asked[0] if twin and asked[0] in (3, 4) else 3
        count = struct.unpack(">H", asked[3:5])[0] if twin and asked[0] in (3, 4) else 2
        self._foreign_speaks = True
        try:
            self._say(wire.rtu_frame(slave, struct.pack(">BHH", function, _FOREIGN_START, count)))
            await asyncio.sleep(self.seconds)
            words = struct.pack(f">{count}H", *[FOREIGN_WORD] * count)
            self._say(wire.rtu_frame(slave, bytes([function, len(words)]) + words))
        finally:
            self._foreign_speaks = False

    async def _babble(self) -> None:
        place = 0
        while True:
            place = (place + 1) % 0x100
            words = struct.pack(">4H", *[FOREIGN_WORD] * 4)
            self._say(wire.rtu_frame(_FOREIGN_UNIT, struct.pack(">BHH", 3, _FOREIGN_START + place, 4)))
            self._say(wire.rtu_frame(_FOREIGN_UNIT, bytes([3, len(words)]) + words))
            await asyncio.sleep(self.seconds)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _say(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads: the line loses it
            os.write(self._master, data)
