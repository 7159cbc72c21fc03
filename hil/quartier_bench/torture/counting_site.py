"""Meters that count their answers, and the site file of the gateway that reads them: deadbands of zero,
every reading a sample.

Every point of one answer holds the same whole number, the number of the answer.  Source: MODBUS Messaging
on
TCP/IP Implementation Guide V1.0b, section 3.1.3 (MBAP header); Application Protocol V1.1b3, 6.3.
"""

import asyncio
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MBAP_HEADER = struct.Struct(">HHHB")
_READ_REQUEST = struct.Struct(">BHH")
_READ_HOLDING, _ILLEGAL_FUNCTION = 3, 1
REGISTERS_PER_POINT = 2


class CountingMeter:
    """Meter with ``points`` unsigned 32-bit numbers; ``served`` is the number of the last whole answer.

    ``heard`` is the number of requests.  While ``silent`` it receives and answers nothing.
    """

    def __init__(self, points: int) -> None:
        self.points = points
        self.served = self.heard = 0
        self.silent = False
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on a free port of the loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        if (task := asyncio.current_task()) is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                transaction, _, length, unit = _MBAP_HEADER.unpack(
                    await reader.readexactly(_MBAP_HEADER.size)
                )
                answer = self.answer(await reader.readexactly(length - 1))
                self.heard += 1
                if not self.silent:
                    writer.write(_MBAP_HEADER.pack(transaction, 0, len(answer) + 1, unit) + answer)
        self._writers.discard(writer)
        writer.close()

    def answer(self, asked: bytes) -> bytes:
        """The answer to one PDU: holding registers, or exception 01."""
        if len(asked) != _READ_REQUEST.size or asked[0] != _READ_HOLDING:
            return bytes((asked[0] | 0x80, _ILLEGAL_FUNCTION))
        _, first, count = _READ_REQUEST.unpack(asked)
        if not self.silent:
            self.served += 1
        words = struct.pack(">HH", self.served >> 16, self.served & 0xFFFF) * self.points
        part = words[2 * first : 2 * (first + count)].ljust(2 * count, b"\0")
        return bytes((_READ_HOLDING, len(part))) + part


GROUP, EDGE = "issy", "b012"
PROFILE = "torture/meter"
_PROFILE_HEAD = """\
[profile]
protocol = "modbus"
maker = "Torture"
model = "{points} points"
source = "made for a measurement: every point holds the number of the answer"

[scan]
fast = {period}
"""
_POINT_SECTION = """
[points.{name}]
register = "holding:{at}"
type = "uint32"
scan = "fast"
"""
_SITE_HEAD = """\
[site]
id = "{edge}"
district = "{group}"
simulated = true
profiles = ["profiles"]

[limits]
contract_import_w = 10000000.0
contract_export_w = 10000000.0

[store]
size_max_mb = {size_max_mb}

[store.deadbands]
power_w = 0.0
power_pct = 0.0
power_period_s = 0.0

[district_link]
url = "{url}"
backfill_messages_per_s = {backfill}
{more}
"""
_METER_SECTIONS = """
[buses.bus{at}]
kind = "modbus-tcp"
host = "127.0.0.1"
port = {port}

[devices.meter{at}]
bus = "bus{at}"
profile = "{profile}"
unit = 1

[assets.{asset}]
role = "{role}"
device = "meter{at}"
{rated}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictLink:
    """Link of the gateway to its district; files by their keys of ``[district_link]``."""

    url: str
    files: tuple[tuple[str, Path], ...] = ()
    backfill_messages_per_s: float = 5.0

    @property
    def lines(self) -> str:
        """Further lines of the section."""
        return "\n".join(f'{key} = "{path}"' for key, path in self.files)


def write_site(
    folder: Path,
    ports: Sequence[int],
    points: int,
    link: DistrictLink,
    *,
    period_s: float,
    size_max_mb: int = 512,
) -> Path:
    """Write site file and profile below ``folder``; the first meter is the grid's, the others are loads'."""
    place = folder / "profiles" / f"{PROFILE}.toml"
    place.parent.mkdir(parents=True, exist_ok=True)
    names = ["power_w", *(f"r{at}_w" for at in range(1, points))]
    rows = (_POINT_SECTION.format(name=name, at=REGISTERS_PER_POINT * at) for at, name in enumerate(names))
    place.write_text(_PROFILE_HEAD.format(points=points, period=period_s) + "".join(rows))
    parts = [
        _SITE_HEAD.format(
            edge=EDGE,
            group=GROUP,
            size_max_mb=size_max_mb,
            url=link.url,
            backfill=link.backfill_messages_per_s,
            more=link.lines,
        )
    ]
    for at, port in enumerate(ports):
        asset, role, rated = name_asset(at), "load" if at else "grid", "rated_w = 1000.0\n" if at else ""
        parts.append(
            _METER_SECTIONS.format(at=at, port=port, profile=PROFILE, asset=asset, role=role, rated=rated)
        )
    file = folder / "site.toml"
    file.write_text("".join(parts))
    return file


def name_asset(place: int) -> str:
    """The asset of the meter at ``place``."""
    return f"load{place}" if place else "grid"
