"""Modbus lines without a wire: an exchange takes the time that a wire would take, on any clock."""

import asyncio
import struct
from typing import TYPE_CHECKING

from quartier_drivers.modbus.frames import Answer, Request
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.modbus.wire.rtu_line import RtuLine
from quartier_drivers.modbus.wire.tcp_line import HALF_OPEN_COUNT
from quartier_drivers.modbus.wire.timing import WireTiming, make_timing
from quartier_drivers.rehearsal import PlannedRequest, SimulatedDevices, SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Iterable

    from quartier_drivers.contract import Clock
    from quartier_drivers.device_profile.schema import Limits
    from quartier_drivers.modbus.bus_section import RtuBus, TcpBus
    from quartier_drivers.modbus.read_jobs import ReadJob

_NO_SUCH_ADDRESS = 2
_HOLDING = 3


class SimulatedUnits:
    """Simulates the devices of one line."""

    def __init__(self, own: WireTiming, pretence: SimulatedDevices) -> None:
        self.pace = own
        self.simulated_devices = pretence
        self._count = 0

    def answer_s(self, unit: int) -> float:
        """Return the time in s until the unit begins its answer."""
        common_s = self.simulated_devices.answer_s
        return self.simulated_devices.answers_s.get(
            unit, self.pace.answer_s if common_s is None else common_s
        )

    def takes_s(self, request: Request) -> float:
        """Return the time in s from the silence before the request to the end of its answer."""
        return self.pace.exchange_s(request, self.answer_s(request.unit))

    def speaks(self, unit: int, wait_s: float) -> bool:
        """Return whether the unit answers within this waiting time."""
        return unit not in self.simulated_devices.dead and self.answer_s(unit) <= wait_s

    def answer(self, request: Request) -> Answer:
        """Return an answer; no two are equal, so that none is taken for a copy of the last."""
        held = self.simulated_devices.registers.get(request.unit)
        if held is None or request.function != _HOLDING:
            self._count += 1
            data = struct.pack(">I", self._count) * (request.data_size // 4 + 1)
            return Answer(data=data[: request.data_size], request=request)
        places = range(request.address, request.address + request.count)
        if any(place not in held for place in places):
            return Answer(exception=_NO_SUCH_ADDRESS)
        return Answer(data=struct.pack(f">{request.count}H", *map(held.__getitem__, places)), request=request)

    def report_exchange(self, request: Request, begun_s: float, ended_s: float, *, is_answered: bool) -> None:
        """Report a finished exchange."""
        self.simulated_devices.report_exchange(
            SimulatedExchange(request.unit, request.pdu, begun_s, ended_s, is_answered)
        )


class _RehearsalLine(ModbusLine):
    """The common part of both kinds: simulated devices, and no wire that could fail to open."""

    def __init__(
        self, name: str, bus: "RtuBus | TcpBus", own: WireTiming, clock: "Clock", pretence: SimulatedDevices
    ) -> None:
        super().__init__(name, bus.timeout_s, bus.retries_count, bus.pause_s, clock)
        self.simulated_units = SimulatedUnits(own, pretence)
        self.request_cost = own.request_cost
        self._is_open = False

    def takes_s(self, request: Request) -> float:
        """Return how long an answered request occupies the bus in s."""
        return self.simulated_units.takes_s(request) + self._pause_s

    def answer_s(self, unit: int) -> float:
        """Return the time in s from a request to the beginning of the unit's answer."""
        return self.simulated_units.answer_s(unit)

    @property
    def is_connected(self) -> bool:
        """Return whether the line was opened, and not lost since."""
        return self._is_open

    def _disconnect(self) -> None:
        self._is_open = False


class SerialRehearsalLine(_RehearsalLine, RtuLine):
    """Behaves as a serial line with Modbus RTU, or as RTU over TCP if its timing is that of a network."""

    def __init__(
        self, name: str, bus: "RtuBus | TcpBus", own: WireTiming, clock: "Clock", pretence: SimulatedDevices
    ) -> None:
        super().__init__(name, bus, own, clock, pretence)
        self._active_s = 0.0

    async def _connect(self) -> None:
        self._is_open = True

    def _size_s(self, request: Request) -> float:
        return self.simulated_units.pace.hearing_s(request)

    async def _ask(self, request: Request) -> Answer:
        own, unit = self.simulated_units.pace, request.unit
        now_s, owing_before_s = _find_time_s(), self._owing_s.get(unit, 0.0)
        begun_s = max(now_s, self._active_s + own.quiet_s)
        sent_s = self._active_s = begun_s + own.sending_s(request)
        self._expect_late_answer(unit, sent_s)
        if not self.simulated_units.speaks(unit, self._wait_s):
            await _sleep_until(sent_s + self._wait_s + own.hearing_s(request))
            self.simulated_units.report_exchange(request, now_s, _find_time_s(), is_answered=False)
            raise TimeoutError
        answer_s = self.simulated_units.answer_s(unit)
        await _sleep_until(sent_s + answer_s + own.hearing_s(request))
        self._active_s = _find_time_s()
        answer = self.simulated_units.answer(request)
        self._note_answer(request, answer, owing_before_s, answer_s)
        self.simulated_units.report_exchange(request, now_s, self._active_s, is_answered=True)
        return answer


class NetworkRehearsalLine(_RehearsalLine):
    """Behaves as a Modbus TCP line."""

    def __init__(
        self, name: str, bus: "TcpBus", own: WireTiming, clock: "Clock", pretence: SimulatedDevices
    ) -> None:
        super().__init__(name, bus, own, clock, pretence)
        self._connect_pause_s = bus.connect_pause_s
        self._silent_count = 0

    async def _connect(self) -> None:
        self._silent_count, self._is_open = 0, True
        await asyncio.sleep(self._connect_pause_s)

    async def _ask(self, request: Request) -> Answer:
        begun_s = _find_time_s()
        speaks = self.simulated_units.speaks(request.unit, self._wait_s)
        await asyncio.sleep(self.simulated_units.answer_s(request.unit) if speaks else self._wait_s)
        self.simulated_units.report_exchange(request, begun_s, _find_time_s(), is_answered=speaks)
        if not speaks:
            raise TimeoutError
        self._silent_count = 0
        return self.simulated_units.answer(request)

    async def _recover(self, request: Request, error: Exception) -> None:
        del request, error
        self._silent_count += 1
        if self._silent_count >= HALF_OPEN_COUNT:
            self._disconnect()


def make_rehearsal_line(
    name: str, bus: "RtuBus | TcpBus", clock: "Clock", pretence: SimulatedDevices
) -> SerialRehearsalLine | NetworkRehearsalLine:
    """Return the line that ``make_line`` would make for a checked bus section, but without its wire."""
    own = make_timing(bus)
    if bus.kind == "modbus-tcp" and bus.framing == "tcp":
        return NetworkRehearsalLine(name, bus, own, clock, pretence)
    return SerialRehearsalLine(name, bus, own, clock, pretence)


def list_planned_requests(jobs: "Iterable[ReadJob]", limits: "Limits") -> list[PlannedRequest]:
    """Return the requests of a driver with these jobs, for a device with these limits."""
    return [make_planned_request(job.request, job.sheet.block.period_s, limits) for job in jobs]


def make_planned_request(request: Request, period_s: float, limits: "Limits") -> PlannedRequest:
    """Return one request of a plan."""
    return PlannedRequest(request.unit, request.pdu, period_s, limits.pause_s, request)


def _find_time_s() -> float:
    return asyncio.get_running_loop().time()


async def _sleep_until(moment_s: float) -> None:
    await asyncio.sleep(max(0.0, moment_s - _find_time_s()))
