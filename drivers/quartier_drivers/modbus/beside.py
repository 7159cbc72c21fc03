"""Exchanges of a driver outside the plan of its requests: single registers, identities, orders."""

from quartier_drivers import codec
from quartier_drivers.contract import DeviceSpec
from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.modbus.frame import Answer, Request, meaning, read_request
from quartier_drivers.modbus.line import ABSENT, Line
from quartier_drivers.schema import Address, Limits, Source


class Beside:
    """Exchanges with one device.  While it ``is_silent``, a request only probes whether it is back."""

    def __init__(self, line: Line, device: DeviceSpec, limits: Limits) -> None:
        self.is_silent = False
        self._line = line
        self._device = device
        self._limits = limits

    async def ask(self, request: Request) -> Answer:
        """Make one request as it is.  Raises NoReply or LinkLost."""
        return await self._line.exchange(request, self._limits.pause_s, probes=self.is_silent)

    async def fetch(self, unit: int, place: Address, width: int) -> Answer:
        """Read registers or coils.

        Raises LinkLost, or NoReply, also if a Modbus gateway reports the unit absent.
        """
        answer = await self.ask(read_request(unit, place.table, place.number, width))
        if answer.exception in ABSENT:
            raise NoReply(f"unit {unit}: {meaning(answer)}")
        return answer

    async def send(self, name: str, request: Request, expires_ns: int | None = None) -> None:
        """Write for the point ``name``.  Raises Refused, NoReply, LinkLost or Expired."""
        pause_s = max(self._limits.pause_s, self._limits.write_pause_s)
        answer = await self._line.exchange(request, pause_s, expires_ns)
        if answer.exception:
            raise Refused(f"{name}: {meaning(answer)}")

    async def said(self, source: Source) -> str:
        """Return the text of an identity register; empty if there is none."""
        unit = self._device.unit if source.unit is None else source.unit
        answer = await self.fetch(unit, source.address, source.width)
        return "" if answer.exception else codec.said_of(source, answer.values)
