"""One Modbus unit: its four tables and its answers to requests."""

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

Table = Literal["coil", "discrete", "input", "holding"]

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
GATEWAY_PATH = 0x0A
GATEWAY_TARGET = 0x0B

READ_TABLES: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITE_TABLES: dict[int, Table] = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
MASK_WRITE, READ_WRITE, IDENTIFY = 22, 23, 43
ALL_FUNCTIONS = frozenset({*READ_TABLES, *WRITE_TABLES, MASK_WRITE, READ_WRITE})

WriteHandler = Callable[[Table, int, Sequence[int]], None]


class Refusal(Exception):  # noqa: N818 - it is what a device answers, not an error of the rig
    """Answer of the device with Modbus exception ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def build_exception(function: int, code: int) -> bytes:
    """Return the PDU of an exception answer."""
    return bytes([function | 0x80, code])


def _ignore_write(_table: Table, _address: int, _words: Sequence[int]) -> None:
    raise Refusal(ILLEGAL_ADDRESS)


class Unit:
    """The tables of one unit.

    ``functions`` are the codes it knows; ``words_max`` the largest read; ``gaps`` what a read of
    an address outside the map gets; ``single`` allows no read across two values, as devices do
    that want each value asked for on its own.  ``accept(table, address, words)`` takes a write or
    raises ``Refusal``.  ``identity`` holds the objects of function 43/14 by their number.
    """

    def __init__(
        self,
        *,
        functions: Iterable[int] = ALL_FUNCTIONS,
        words_max: int = 125,
        gaps: Literal["refuse", "zero"] = "refuse",
        single: bool = False,
        accept: WriteHandler = _ignore_write,
        identity: Mapping[int, str] | None = None,
    ) -> None:
        self.tables: dict[Table, dict[int, int]] = {"coil": {}, "discrete": {}, "input": {}, "holding": {}}
        self.identity = dict(identity or {})
        self.functions = frozenset({*functions, IDENTIFY} if self.identity else functions)
        self.words_max = words_max
        self.gaps = gaps
        self.single = single
        self.accept = accept
        self._values: set[tuple[Table, int, int]] = set()
        self._acts: Mapping[int, Callable[[bytes], bytes]] = {
            **dict.fromkeys(READ_TABLES, self._read),
            MASK_WRITE: self._mask,
            READ_WRITE: self._read_write,
            IDENTIFY: self._identify,
        }

    def put(self, table: Table, address: int, words: Sequence[int]) -> None:
        """Set registers (16-bit unsigned) or coils (0, 1) from ``address`` on."""
        self._values.add((table, address, len(words)))
        for place, word in enumerate(words, address):
            self.tables[table][place] = word

    def get(self, table: Table, address: int, count: int = 1) -> list[int]:
        """Registers or coils as a client sees them; raises ``Refusal``."""
        cells = self.tables[table]
        places = range(address, address + count)
        if self.single and (table, address, count) not in self._values:
            raise Refusal(ILLEGAL_ADDRESS)
        if self.gaps == "refuse" and any(place not in cells for place in places):
            raise Refusal(ILLEGAL_ADDRESS)
        return [cells.get(place, 0) for place in places]

    def answer(self, pdu: bytes) -> bytes:
        """Return the answer to one request, an exception where the device would send one."""
        function = pdu[0]
        if function not in self.functions:
            return build_exception(function, ILLEGAL_FUNCTION)
        try:
            return self._acts[function](pdu) if function in self._acts else self._write(pdu)
        except Refusal as refusal:
            return build_exception(function, refusal.code)
        except (struct.error, IndexError):
            return build_exception(function, ILLEGAL_VALUE)

    def _read(self, pdu: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", pdu)
        table = READ_TABLES[function]
        bits = table in ("coil", "discrete")
        if not 1 <= count <= (2000 if bits else self.words_max):
            raise Refusal(ILLEGAL_VALUE)
        values = self.get(table, address, count)
        data = _pack_bits(values) if bits else struct.pack(f">{count}H", *values)
        return bytes([function, len(data)]) + data

    def _write(self, pdu: bytes) -> bytes:
        function, address, second = struct.unpack(">BHH", pdu[:5])
        if function == 5:
            if second not in (0, 0xFF00):
                raise Refusal(ILLEGAL_VALUE)
            self.accept("coil", address, [int(second == 0xFF00)])
        elif function == 6:
            self.accept("holding", address, [second])
        else:
            self.accept(WRITE_TABLES[function], address, _parse_words(pdu, second))
        return pdu[:5]

    def _mask(self, pdu: bytes) -> bytes:
        """Application Protocol V1.1b3, 6.16."""
        _, address, keep, put = struct.unpack(">BHHH", pdu)
        (old,) = self.get("holding", address)
        self.accept("holding", address, [old & keep | put & ~keep & 0xFFFF])
        return pdu

    def _read_write(self, pdu: bytes) -> bytes:
        """Serve read/write of several registers, 6.17: the write comes first."""
        _, start, count, address, number, size = struct.unpack(">BHHHHB", pdu[:10])
        if not (1 <= count <= self.words_max and 1 <= number <= 121 and size == 2 * number == len(pdu) - 10):
            raise Refusal(ILLEGAL_VALUE)
        self.accept("holding", address, list(struct.unpack(f">{number}H", pdu[10:])))
        words = self.get("holding", start, count)
        return struct.pack(f">BB{count}H", READ_WRITE, 2 * count, *words)

    def _identify(self, pdu: bytes) -> bytes:
        """Serve device identification, 6.21: the basic objects, all in one answer."""
        _, kind, code, _first = struct.unpack(">BBBB", pdu)
        if kind != 14 or code not in (1, 2, 3):
            raise Refusal(ILLEGAL_VALUE)
        objects = [(number, text.encode("ascii")) for number, text in sorted(self.identity.items())]
        listed = b"".join(struct.pack(">BB", number, len(text)) + text for number, text in objects)
        return struct.pack(">BBBBBBB", IDENTIFY, 14, code, 1, 0, 0, len(objects)) + listed


def _pack_bits(bits: Sequence[int]) -> bytes:
    data = bytearray((len(bits) + 7) // 8)
    for place, bit in enumerate(bits):
        data[place // 8] |= bit << place % 8
    return bytes(data)


def _parse_words(pdu: bytes, count: int) -> list[int]:
    data = pdu[6:]
    size = 2 * count if pdu[0] == 16 else (count + 7) // 8
    if count < 1 or pdu[5] != size or len(data) != size:
        raise Refusal(ILLEGAL_VALUE)
    if pdu[0] == 16:
        return list(struct.unpack(f">{count}H", data))
    return [data[place // 8] >> place % 8 & 1 for place in range(count)]
