"""The slaves of one M-Bus on a port: the addressed one answers, and several at once garble each other.

No slave receives a frame of the master that is damaged, or sent at another speed than the line's.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from random import Random
from typing import Self

from quartier_sim.devices.serial_ports import Port
from quartier_sim.meters import line_noise, telegrams
from quartier_sim.meters.line_noise import LineNoise, damage_telegrams
from quartier_sim.meters.mbus.slaves import MasterFrame, Slave, SlaveReply
from quartier_sim.meters.telegrams import Telegram, TelegramPart

_SHORT, _LONG, _STOP = 0x10, 0x68, 0x16
# Slaves begin within 11 to 330 bit times after the request (EN 13757-2, 5.7); two are never alike.
_JITTER_BITS = 40
# The state in the head of each telegram is a statement, too.
_STATE = 1


class MbusLine:
    """Line with ``slaves`` on ``port``; ``echo``: the level converter returns the master's own bytes.

    ``together_count`` counts simultaneous answers of several slaves, ``heard`` are the master's frames.
    ``sound_count`` are the records and states of telegrams sent whole, ``hit_count`` those hit.
    """

    def __init__(
        self,
        slaves: Sequence[Slave],
        port: Port,
        *,
        baud: int = 2400,
        echo: bool = False,
        noise: LineNoise | None = None,
        seed: int = 0,
    ) -> None:
        self.slaves, self.port, self.baud = list(slaves), port, baud
        self.echo, self.noise = echo, noise
        self.heard: list[MasterFrame] = []
        self.together_count = self.sound_count = self.hit_count = 0
        self._counted: Telegram | None = None
        self._random = Random(seed)  # noqa: S311 - jitter that can be repeated, no secret
        self._buffer = bytearray()
        self._tasks: set[asyncio.Task[None]] = set()
        port.hear = self._hear

    async def __aenter__(self) -> Self:
        await self.port.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.port.unplug()

    def _hear(self, data: bytes) -> None:
        if self.echo:
            self.port.say(data)
        if self.port.speed not in (None, self.baud):
            return
        self._buffer += data
        while (frame := _take_frame(self._buffer)) is not None:
            self._serve(frame)

    def _serve(self, frame: MasterFrame) -> None:
        self.heard.append(frame)
        del self.heard[:-1000]
        replies = [reply for slave in self.slaves if (reply := slave.answer(frame)) is not None]
        if not replies:
            return
        wait_s = min(reply.wait_s for reply in replies)
        data = self._mix_replies(replies)
        if wait_s:
            task = asyncio.get_running_loop().create_task(self._later(data, wait_s))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self.port.say(data)

    async def _later(self, data: bytes, wait_s: float) -> None:
        await asyncio.sleep(wait_s)
        self.port.say(data)

    def _mix_replies(self, replies: Sequence[SlaveReply]) -> bytes:
        """One reply as it is; several as the line adds them up, each from a moment of its own."""
        if len(replies) == 1:
            data = replies[0].data
        else:
            self.together_count += 1
            offset_replies = [(self._random.randrange(_JITTER_BITS), reply.data) for reply in replies]
            data = line_noise.mix_senders(offset_replies)
        if self.noise is None:
            heard = data
        else:
            telegram = Telegram((TelegramPart(data),))
            heard = bytes(damage_telegrams([telegram], self.noise, self._random.randrange(2**32)).data)
        if len(replies) == 1 and (reply_telegram := replies[0].telegram) is not None:
            if heard != data:
                self.hit_count += 1
            elif reply_telegram is not self._counted:  # a late one is asked for again, and is the same
                self._counted = reply_telegram
                self.sound_count += _STATE + len(reply_telegram.statements)
        return heard


def _take_frame(buffer: bytearray) -> MasterFrame | None:
    """Take the next whole frame out of what the master sent; what is none is dropped."""
    while buffer:
        if buffer[0] == _SHORT:
            if len(buffer) < 5:
                return None
            control, address, check, stop = buffer[1:5]
            if stop == _STOP and check == telegrams.compute_byte_sum(bytes(buffer[1:3])):
                del buffer[:5]
                return MasterFrame(control, address)
        elif buffer[0] == _LONG:
            if len(buffer) < 4:
                return None
            size = buffer[1]
            if buffer[2] == size and buffer[3] == _LONG and size >= 3:
                if len(buffer) < size + 6:
                    return None
                body, check, stop = bytes(buffer[4 : 4 + size]), buffer[4 + size], buffer[5 + size]
                if stop == _STOP and check == telegrams.compute_byte_sum(body):
                    del buffer[: size + 6]
                    return MasterFrame(body[0], body[1], body[2], body[3:])
        del buffer[0]
    return None


MBUS_BAUD = 2400
