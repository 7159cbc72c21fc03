"""One Modbus unit: its four tables and how it answers a request."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

Table = Literal["coil", "discrete", "input", "holding"]

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3
DEVICE_FAILURE = 4
GATEWAY_PATH = 0x0A
GATEWAY_TARGET = 0x0B

READS: dict[int, Table] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
WRITES: dict[int, Table] = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
ALL_FUNCTIONS = frozenset(READS | WRITES)

Accept = Callable[[Table, int, Sequence[int]], None]


class Refusal(Exception):  # noqa: N818 - it is what a device answers, not an error of the rig
    """The device says no with Modbus exception ``code``."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


def exception(function: int, code: int) -> bytes:
    """The PDU of an exception answer."""
    return bytes([function | 0x80, code])


def _nothing(_table: Table, _address: int, _words: Sequence[int]) -> None:
    raise Refusal(ILLEGAL_ADDRESS)


class Unit:
    """The tables of one unit.

    ``functions`` are the codes it knows; ``words_max`` the largest read; ``gaps`` what a read of
    an address outside the map gets; ``single`` allows no read across two values, as devices do
    that want each value asked for on its own.  ``accept(table, address, words)`` takes a write or
    raises ``Refusal``.
    """

    def __init__(
        self,
        *,
        functions: Iterable[int] = ALL_FUNCTIONS,
        words_max: int = 125,
        gaps: Literal["refuse", "zero"] = "refuse",
        single: bool = False,
        accept: Accept = _nothing,
    ) -> None:
        self.tables: dict[Table, dict[int, int]] = {"coil": {}, "discrete": {}, "input": {}, "holding": {}}
        self.functions = frozenset(functions)
        self.words_max = words_max
        self.gaps = gaps
        self.single = single
        self.accept = accept
        self._values: set[tuple[Table, int, int]] = set()

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
        """The answer to one request, an exception where the device would send one."""
        function = pdu[0]
        if function not in self.functions:
            return exception(function, ILLEGAL_FUNCTION)
        try:
            return self._read(pdu) if function in READS else self._write(pdu)
        except Refusal as refusal:
            return exception(function, refusal.code)
        except (struct.error, IndexError):
            return exception(function, ILLEGAL_VALUE)

    def _read(self, pdu: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", pdu)
        table = READS[function]
        bits = table in ("coil", "discrete")
        if not 1 <= count <= (2000 if bits else self.words_max):
            raise Refusal(ILLEGAL_VALUE)
        values = self.get(table, address, count)
        data = _packed(values) if bits else struct.pack(f">{count}H", *values)
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
            self.accept(WRITES[function], address, _many(pdu, second))
        return pdu[:5]


def _packed(bits: Sequence[int]) -> bytes:
    data = bytearray((len(bits) + 7) // 8)
    for place, bit in enumerate(bits):
        data[place // 8] |= bit << place % 8
    return bytes(data)


def _many(pdu: bytes, count: int) -> list[int]:
    data = pdu[6:]
    size = 2 * count if pdu[0] == 16 else (count + 7) // 8
    if count < 1 or pdu[5] != size or len(data) != size:
        raise Refusal(ILLEGAL_VALUE)
    if pdu[0] == 16:
        return list(struct.unpack(f">{count}H", data))
    return [data[place // 8] >> place % 8 & 1 for place in range(count)]
