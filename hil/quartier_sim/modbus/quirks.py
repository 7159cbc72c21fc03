"""Quirks of Modbus devices in the field, and the answers of a device that has one.

Each is a habit of real devices, gateways or lines, and each has a test that names it
(``tests/drivers/modbus/quirks``).

It runs in real time: time-outs of clients are real.
"""

import asyncio
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from quartier_sim.modbus import framing
from quartier_sim.modbus.unit import Refusal, Table, Unit, build_exception

WireKind = Literal["tcp", "rtu"]
BOTH_WIRES: tuple[WireKind, ...] = ("tcp", "rtu")


@dataclass(frozen=True, slots=True)
class Quirk:
    """A habit; ``seconds`` and ``code`` are the values in its sentence, if any."""

    name: str
    about: str
    wires: tuple[WireKind, ...] = BOTH_WIRES
    seconds: float = 0.0
    code: int = 0


_TABLE = (
    # the content of an answer
    Quirk("wrong-function", "answers with another function than it was asked"),
    Quirk("wrong-unit", "its answers bear another unit's number"),
    Quirk("short-answer", "answers one register fewer than it was asked for"),
    Quirk("long-answer", "answers one register more than it was asked for"),
    Quirk("lying-count", "the byte count of its answers is not what follows"),
    Quirk("cut-answer", "half of the answer comes, and no more"),
    Quirk("wrong-checksum", "the checksum of its answers is wrong", ("rtu",)),
    Quirk("noise", "bytes without sense stand before its answers", ("rtu",)),
    Quirk("twice", "says each answer twice"),
    Quirk(
        "twice-late",
        "answers `seconds` later, and once more while the next answer is awaited",
        seconds=0.04,
    ),
    Quirk("old-number", "its answers bear the number of the request before", ("tcp",)),
    Quirk("dirty-padding", "the bits behind the last coil of an answer are set"),
    # when it comes
    Quirk("silence", "says nothing"),
    Quirk("late", "answers `seconds` later, while it hears the next request", seconds=0.3),
    Quirk("byte-by-byte", "a byte each `seconds`", seconds=1.0),
    Quirk("settles-late", "shows the old value for `seconds` after a write", seconds=0.5),
    # exceptions in place of answers
    Quirk("busy", "answers exception 6, device busy", code=6),
    Quirk("acknowledges", "answers exception 5: it takes a while", code=5),
    Quirk("fails", "answers exception 4, device failure", code=4),
    Quirk("target-silent", "its gateway answers exception 11 in its place", code=11),
    Quirk("absent-answered", "a gateway answers exception `code` for units that are not there", code=11),
    Quirk("every-unit", "answers whatever the unit number, always as itself"),
    # what it needs between requests
    Quirk("connect-pause", "is deaf for `seconds` after a connection was made", ("tcp",), 0.1),
    Quirk("write-pause", "is deaf for `seconds` after a write", seconds=0.1),
    Quirk("frame-pause", "is deaf for `seconds` after each answer", seconds=0.1),
    # connections
    Quirk("single-refuses", "takes one connection; the second is closed at once", ("tcp",)),
    Quirk("single-kicks", "takes one connection; a second one ends the first", ("tcp",)),
    Quirk("half-open", "after its first answer a connection stands, and nobody hears it", ("tcp",)),
    Quirk("closes-after-answer", "closes the connection after each answer", ("tcp",)),
    Quirk("accepts-and-closes", "takes each connection and closes it before a word", ("tcp",)),
    # a line that is not ours alone
    Quirk("echo", "the adapter lets us hear what we send", ("rtu",)),
    Quirk("foreign-master", "another master asks its slaves between our requests", ("rtu",), 0.02),
    Quirk("foreign-twin", "another master asks our unit for as much as we do, elsewhere", ("rtu",), 0.02),
    Quirk("foreign-babble", "others talk on the line and leave it no silence", ("rtu",), 0.001),
)
QUIRKS: Mapping[str, Quirk] = {quirk.name: quirk for quirk in _TABLE}


_NOISE = bytes.fromhex("fe 00 01 03 ff 7f")
_BIT_READS, _READS = (1, 2), (1, 2, 3, 4)
_WRONG_FUNCTIONS = {1: 2, 2: 1, 3: 4, 4: 3, 6: 16, 16: 6}


@dataclass(frozen=True, slots=True)
class QuirkFrame:
    """One frame to send: ``number`` counts on TCP only, ``before`` are bytes ahead of it.

    It is sent ``wait_s`` after the request, whole (``share`` 1.0) or its beginning, at once or a byte each
    ``spread_s``.  ``late``: the next request is received meanwhile; not ``sound``: a wrong checksum.
    """

    unit: int
    pdu: bytes
    number: int = 0
    wait_s: float = 0.0
    late: bool = False
    share: float = 1.0
    spread_s: float = 0.0
    before: bytes = b""
    sound: bool = True

    def tcp(self) -> bytes:
        """Its bytes on a connection."""
        return self._part(framing.build_tcp_frame(self.number, self.unit, self.pdu))

    def rtu(self) -> bytes:
        """Its bytes on a serial line."""
        frame = framing.build_rtu_frame(self.unit, self.pdu)
        return self._part(frame if self.sound else frame[:-1] + bytes([frame[-1] ^ 0x55]))

    def _part(self, frame: bytes) -> bytes:
        return self.before + (frame if self.share >= 1 else frame[: int(len(frame) * self.share)])


def apply_quirk(quirk: Quirk | None, right: QuirkFrame, asked: bytes) -> list[QuirkFrame]:
    """Return the frames to send in place of the ``right`` answer to the PDU ``asked``."""
    if quirk is None:
        return [right]
    if quirk.name == "silence":
        return []
    if quirk.name == "twice":
        return [right, right]
    if quirk.name == "twice-late":
        return [replace(right, wait_s=share * quirk.seconds, late=True) for share in (1.0, 1.7)]
    if quirk.code and quirk.name != "absent-answered":
        return [replace(right, pdu=build_exception(asked[0], quirk.code))]
    return [_change_frame(quirk, right, asked)]


def _change_frame(quirk: Quirk, right: QuirkFrame, asked: bytes) -> QuirkFrame:
    changes: dict[str, dict[str, object]] = {
        "wrong-unit": {"unit": right.unit % 247 + 1},
        "cut-answer": {"share": 0.5},
        "wrong-checksum": {"sound": False},
        "noise": {"before": _NOISE},
        "old-number": {"number": (right.number - 1) & 0xFFFF},
        "late": {"wait_s": quirk.seconds, "late": True},
        "byte-by-byte": {"spread_s": quirk.seconds},
    }
    if quirk.name in changes:
        return replace(right, **changes[quirk.name])  # type: ignore[arg-type]  # each of its field's type
    return replace(right, pdu=_change_pdu(quirk.name, right.pdu, asked))


def _change_pdu(name: str, pdu: bytes, asked: bytes) -> bytes:
    function = pdu[0]
    if name == "wrong-function":
        return bytes([_WRONG_FUNCTIONS.get(function, function ^ 1)]) + pdu[1:]
    if name == "dirty-padding" and function in _BIT_READS:
        (count,) = struct.unpack(">H", asked[3:5])
        return pdu[:-1] + bytes([pdu[-1] | 0xFF << (count - 1) % 8 + 1 & 0xFF])
    if function not in _READS:
        return pdu
    size = 1 if function in _BIT_READS else 2
    body = {
        "short-answer": bytes([pdu[1] - size]) + pdu[2:-size],
        "long-answer": bytes([pdu[1] + size]) + pdu[2:] + b"\x55" * size,
        "lying-count": bytes([pdu[1] + 2]) + pdu[2:],
    }
    return bytes([function]) + body.get(name, pdu[1:])


_WRITES = (5, 6, 15, 16, 22, 23)
# Standard map: the value of each register follows from its address, so a mistaken answer shows.
MAP_SIZE = 400


def make_plain_unit(size: int = MAP_SIZE, identity: Mapping[int, str] | None = None) -> Unit:
    """A unit that holds its own addresses: holding n is n, input n is 1000 + n, coil n is n % 3 == 0.

    Holding registers and coils keep what is written to them.
    """
    unit = Unit(identity=identity)
    unit.put("holding", 0, list(range(size)))
    unit.put("input", 0, list(range(1000, 1000 + size)))
    unit.put("coil", 0, [int(place % 3 == 0) for place in range(size)])
    unit.put("discrete", 0, [int(place % 2 == 0) for place in range(size)])
    unit.accept = lambda table, address, words: _store_write(unit, table, address, words)
    return unit


def _store_write(unit: Unit, table: Table, address: int, words: Sequence[int]) -> None:
    if any(place not in unit.tables[table] for place in range(address, address + len(words))):
        raise Refusal(2)
    unit.put(table, address, words)


class QuirkyDevice:
    """Units with one quirk.  ``left``: number of quirky answers before it answers right; None: for ever.

    ``asked`` are unit and PDU of each request received, ``deaf_count`` is the number that came too soon.
    """

    def __init__(
        self, units: Mapping[int, Unit], quirk: Quirk | None = None, left: int | None = None
    ) -> None:
        self.units = dict(units)
        self.quirk = quirk
        self.left = left
        self.asked: list[tuple[int, bytes]] = []
        self.deaf_count = 0
        self._deaf_until_s = 0.0
        self._settling: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """The name of the quirk while it acts, else empty."""
        return self.quirk.name if self.quirk is not None and self.left != 0 else ""

    @property
    def seconds(self) -> float:
        """The time of the quirk, s; 0 without a quirk."""
        return self.quirk.seconds if self.quirk is not None else 0.0

    def hear(self, unit: int, pdu: bytes, number: int = 0) -> list[QuirkFrame]:
        """Return the frames to send for one request."""
        now_s = asyncio.get_running_loop().time()
        if now_s < self._deaf_until_s:
            self.deaf_count += 1
            return []
        self.asked.append((unit, pdu))
        answer = self._answer(unit, pdu)
        if answer is None:
            return []
        if self.name == "frame-pause" or (self.name == "write-pause" and pdu[0] in _WRITES):
            self.ignore_requests()
        right = QuirkFrame(unit, answer, number)
        acting = self.quirk if self.left != 0 else None
        if self.left:
            self.left -= 1
        return apply_quirk(acting, right, pdu)

    def ignore_requests(self) -> None:
        """Hear nothing for the quirk's time."""
        self._deaf_until_s = asyncio.get_running_loop().time() + self.seconds

    def _answer(self, number: int, pdu: bytes) -> bytes | None:
        unit = self.units.get(number)
        if unit is None and self.name == "every-unit":
            unit = next(iter(self.units.values()))
        if unit is None:
            code = self.quirk.code if self.quirk is not None and self.name == "absent-answered" else 0
            return build_exception(pdu[0], code) if code else None
        if self.name == "settles-late" and pdu[0] in _WRITES:
            return self._settle_later(unit, pdu)
        return unit.answer(pdu)

    def _settle_later(self, unit: Unit, pdu: bytes) -> bytes:
        """Acknowledge a write; it shows later."""
        shown = {table: dict(cells) for table, cells in unit.tables.items()}
        answer = unit.answer(pdu)
        written, unit.tables = unit.tables, shown
        task = asyncio.get_running_loop().create_task(self._settle(unit, written))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return answer

    async def _settle(self, unit: Unit, tables: dict[Table, dict[int, int]]) -> None:
        await asyncio.sleep(self.seconds)
        unit.tables = tables

    def quit(self) -> None:
        """Let nothing settle any more."""
        for task in self._settling:
            task.cancel()


def make_quirk(name: str, *, seconds: float | None = None, code: int | None = None) -> Quirk:
    """A quirk of the table with times or codes of one's own.  Raises KeyError for one that is not there."""
    found = QUIRKS[name]
    return replace(
        found,
        seconds=found.seconds if seconds is None else seconds,
        code=found.code if code is None else code,
    )
