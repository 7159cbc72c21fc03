"""Modbus lines without a wire: an exchange takes the time that a wire would take, on any clock."""

import asyncio
import struct
from typing import TYPE_CHECKING

from quartier_drivers.modbus.connection import HALF_OPEN_COUNT
from quartier_drivers.modbus.frame import Answer, Request
from quartier_drivers.modbus.line import Line
from quartier_drivers.modbus.pace import Pace, pace
from quartier_drivers.modbus.unnumbered import UnnumberedLine
from quartier_drivers.rehearsal import Ask, Exchange, Pretence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus import RtuBus, TcpBus
    from quartier_drivers.modbus.jobs import Job
    from quartier_drivers.schema import Limits

_NO_SUCH_ADDRESS = 2
_HOLDING = 3


class Troupe:
    """Simulates the devices of one line."""

    def __init__(self, own: Pace, pretence: Pretence) -> None:
        self.pace = own
        self.pretence = pretence
        self._count = 0

    def answer_s(self, unit: int) -> float:
        """Return the time in s until the unit begins its answer."""
        common_s = self.pretence.answer_s
        return self.pretence.answers_s.get(unit, self.pace.answer_s if common_s is None else common_s)

    def takes_s(self, request: Request) -> float:
        """Return the time in s from the silence before the request to the end of its answer."""
        return self.pace.exchange_s(request, self.answer_s(request.unit))

    def speaks(self, unit: int, wait_s: float) -> bool:
        """Return whether the unit answers within this waiting time."""
        return unit not in self.pretence.dead and self.answer_s(unit) <= wait_s

    def answer(self, request: Request) -> Answer:
        """Return an answer; no two are equal, so that none is taken for a copy of the last."""
        held = self.pretence.registers.get(request.unit)
        if held is None or request.function != _HOLDING:
            self._count += 1
            data = struct.pack(">I", self._count) * (request.data_size // 4 + 1)
            return Answer(data=data[: request.data_size], request=request)
        places = range(request.address, request.address + request.count)
        if any(place not in held for place in places):
            return Answer(exception=_NO_SUCH_ADDRESS)
        return Answer(data=struct.pack(f">{request.count}H", *map(held.__getitem__, places)), request=request)

    def told(self, request: Request, begun_s: float, ended_s: float, *, is_answered: bool) -> None:
        """Report a finished exchange."""
        self.pretence.told(Exchange(request.unit, request.pdu, begun_s, ended_s, is_answered))


class _Rehearsed(Line):
    """The common part of both kinds: simulated devices, and no wire that could fail to open."""

    def __init__(
        self, name: str, bus: "RtuBus | TcpBus", own: Pace, clock: "Clock", pretence: Pretence
    ) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.troupe = Troupe(own, pretence)
        self.request_cost = own.request_cost
        self._is_open = False

    def takes_s(self, request: Request) -> float:
        """Return how long an answered request occupies the bus in s."""
        return self.troupe.takes_s(request) + self._pause_s

    def answer_s(self, unit: int) -> float:
        """Return the time in s from a request to the beginning of the unit's answer."""
        return self.troupe.answer_s(unit)

    @property
    def connected(self) -> bool:
        """Whether the line was opened, and not lost since."""
        return self._is_open

    def _disconnect(self) -> None:
        self._is_open = False


class SerialRehearsal(_Rehearsed, UnnumberedLine):
    """Behaves as ``rtu`` on a port, and as ``tunnel`` if its pace is that of a network."""

    def __init__(
        self, name: str, bus: "RtuBus | TcpBus", own: Pace, clock: "Clock", pretence: Pretence
    ) -> None:
        super().__init__(name, bus, own, clock, pretence)
        self._active_s = 0.0

    async def _connect(self) -> None:
        self._is_open = True

    def _size_s(self, request: Request) -> float:
        return self.troupe.pace.hearing_s(request)

    async def _ask(self, request: Request) -> Answer:
        own, unit = self.troupe.pace, request.unit
        now_s, owing_before_s = _now_s(), self._owing_s.get(unit, 0.0)
        begun_s = max(now_s, self._active_s + own.quiet_s)
        sent_s = self._active_s = begun_s + own.sending_s(request)
        self._owes(unit, sent_s)
        if not self.troupe.speaks(unit, self._wait_s):
            await _until(sent_s + self._wait_s + own.hearing_s(request))
            self.troupe.told(request, now_s, _now_s(), is_answered=False)
            raise TimeoutError
        answer_s = self.troupe.answer_s(unit)
        await _until(sent_s + answer_s + own.hearing_s(request))
        self._active_s = _now_s()
        answer = self.troupe.answer(request)
        self._took(request, answer, owing_before_s, answer_s)
        self.troupe.told(request, now_s, self._active_s, is_answered=True)
        return answer


class NetworkRehearsal(_Rehearsed):
    """Behaves as ``tcp``."""

    def __init__(self, name: str, bus: "TcpBus", own: Pace, clock: "Clock", pretence: Pretence) -> None:
        super().__init__(name, bus, own, clock, pretence)
        self._connect_pause_s = bus.connect_pause_s
        self._silent_count = 0

    async def _connect(self) -> None:
        self._silent_count, self._is_open = 0, True
        await asyncio.sleep(self._connect_pause_s)

    async def _ask(self, request: Request) -> Answer:
        begun_s = _now_s()
        speaks = self.troupe.speaks(request.unit, self._wait_s)
        await asyncio.sleep(self.troupe.answer_s(request.unit) if speaks else self._wait_s)
        self.troupe.told(request, begun_s, _now_s(), is_answered=speaks)
        if not speaks:
            raise TimeoutError
        self._silent_count = 0
        return self.troupe.answer(request)

    async def _recover(self, request: Request, error: Exception) -> None:
        del request, error
        self._silent_count += 1
        if self._silent_count >= HALF_OPEN_COUNT:
            self._disconnect()


def rehearsal(
    name: str, bus: "RtuBus | TcpBus", clock: "Clock", pretence: Pretence
) -> SerialRehearsal | NetworkRehearsal:
    """Return the line that ``link`` would make for a checked section of the site file, without its wire."""
    own = pace(bus)
    if bus.kind == "modbus-tcp" and bus.framing == "tcp":
        return NetworkRehearsal(name, bus, own, clock, pretence)
    return SerialRehearsal(name, bus, own, clock, pretence)


def asks(jobs: "Iterable[Job]", limits: "Limits") -> list[Ask]:
    """Return the requests of a driver with these jobs, for a device with these limits."""
    return [asked(job.request, job.sheet.block.period_s, limits) for job in jobs]


def asked(request: Request, period_s: float, limits: "Limits") -> Ask:
    """Return one request of a plan."""
    return Ask(request.unit, request.pdu, period_s, limits.pause_s, request)


def _now_s() -> float:
    return asyncio.get_running_loop().time()


async def _until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - _now_s()))
