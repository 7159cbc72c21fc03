"""Send the telegrams of a meter on its port, at the pace of the wire or as fast as read."""

import asyncio
import contextlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, Self

from quartier_sim.devices.serial_ports import Port
from quartier_sim.meters import line_noise
from quartier_sim.meters.line_noise import LineNoise, damage_telegrams
from quartier_sim.meters.telegrams import Telegram, TelegramPart

# How finely the pace is kept; a byte of a slow line takes 8 ms.
_SLICE_S = 0.02
_BITS_PER_BYTE = 10


class PushingMeter(Protocol):
    """A meter that pushes."""

    @property
    def baud(self) -> int:
        """Speed of its line, baud."""
        ...

    def telegram(self) -> Telegram:
        """Return the next telegram."""
        ...


@dataclass(slots=True)
class SentCounts:
    """Counts of what was sent: telegrams, pieces whole and hit; the whole pieces themselves where kept.

    ``sound_count`` is the number of whole pieces that state something: a decoder must have read them.
    """

    telegrams_count: int = 0
    intact_count: int = 0
    sound_count: int = 0
    hit_count: int = 0
    intact: list[TelegramPart] | None = None

    def take(self, intact: Iterable[TelegramPart], hit: Iterable[TelegramPart]) -> None:
        """Count one telegram."""
        whole = list(intact)
        self.telegrams_count += 1
        self.intact_count += len(whole)
        self.sound_count += sum(bool(piece.says) for piece in whole)
        self.hit_count += len(list(hit))
        if self.intact is not None:
            self.intact += whole


class PushSender:
    """A speaker on a port until it is closed.

    ``period_s`` is the time from the start of one telegram to the next (0: without a pause), in
    plant seconds; ``rate`` is the number of those per real second, for the wire too (infinity: as fast as
    it is read).  At rate 1 bytes without a reader are lost.  ``noise`` may be changed at
    any time.  With ``keeps`` the ledger holds every whole piece (for tests; it grows).
    ``shows_parity``: the line is 7E1 and the port gives parity as the eighth bit.
    """

    def __init__(
        self,
        speaker: PushingMeter,
        port: Port,
        *,
        period_s: float = 0.0,
        rate: float = 1.0,
        noise: LineNoise | None = None,
        seed: int = 0,
        keeps: bool = False,
        shows_parity: bool = False,
    ) -> None:
        self.speaker, self.port = speaker, port
        self.period_s, self.rate = period_s, rate
        self.noise = noise
        self.silent = False
        self.inverted = False
        self.shows_parity = shows_parity
        self.ledger = SentCounts(intact=[] if keeps else None)
        self._seed = seed
        self._task: asyncio.Task[None] | None = None
        self._still = asyncio.Event()
        self.said: Callable[[Telegram], None] = _ignore_telegram

    async def __aenter__(self) -> Self:
        await self.port.plug()
        self._task = asyncio.get_running_loop().create_task(self._talk())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.port.unplug()

    async def silence(self) -> None:
        """Fall silent after the present telegram."""
        self.silent = True
        self._still.clear()
        await self._still.wait()

    async def _talk(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            if self.silent:
                self._still.set()
            if self.port.is_plugged and not self.silent:
                telegram = self.speaker.telegram()
                await self._send(self._heard(telegram))
                self.said(telegram)
            # Never without a turn of the loop, or a fast reader would keep the rig from all else.
            rest = self.period_s / self.rate - (loop.time() - began)
            await asyncio.sleep(max(rest, 0.0 if self.port.is_plugged and not self.silent else _SLICE_S))

    def _heard(self, telegram: Telegram) -> bytes:
        """Return the bytes that arrive of a telegram after noise, another speed or swapped wires."""
        self._seed += 1
        output = damage_telegrams([telegram], self.noise or LineNoise(), self._seed)
        baud = self.port.speed or self.speaker.baud
        if baud == self.speaker.baud and not self.inverted:
            self.ledger.take(output.intact, output.hit)
            return line_noise.add_parity(bytes(output.data)) if self.shows_parity else bytes(output.data)
        self.ledger.take([], telegram.pieces)
        return line_noise.receive_at_baud(bytes(output.data), self.speaker.baud, baud, inverted=self.inverted)

    async def _send(self, data: bytes) -> None:
        """At ``rate`` times the pace of the wire; other than at rate 1 a slow reader is waited for."""
        loop = asyncio.get_running_loop()
        per_s = self.rate * self.speaker.baud / _BITS_PER_BYTE
        began, sent, now = loop.time(), 0, 0
        while sent < len(data) and self.port.is_plugged:
            due = len(data) if math.isinf(per_s) else int((loop.time() - began) * per_s) + 1
            if self.rate == 1.0:
                self.port.say(data[sent:due])
                sent = max(due, sent)
            else:
                await self.port.room()
                now = self.port.say(data[sent:due])
                sent += now
            # A terminal may call itself writable and yet take nothing.
            await asyncio.sleep(0.0 if math.isinf(per_s) and now else _SLICE_S)


def _ignore_telegram(_: Telegram) -> None:
    """Ignore a telegram: nothing follows it."""
