"""The registers that other clients may write, as in the site file: ``1/holding:1000..1009 by 16``.  Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Table = Literal["coil", "holding"]

FUNCTIONS: dict[Table, frozenset[int]] = {"coil": frozenset({5, 15}), "holding": frozenset({6, 16, 22, 23})}
"""The functions that may write each table (Modbus Application Protocol V1.1b3, section 6)."""
# Mask write and write-and-read are seldom meant: they must be named.
_USUAL_FUNCTIONS: dict[Table, frozenset[int]] = {"coil": frozenset({5, 15}), "holding": frozenset({6, 16})}
_NUMBER = r"0x[0-9a-fA-F]{1,4}|[0-9]{1,5}"
_SPAN = re.compile(
    rf"([0-9]{{1,3}})/(coil|holding):({_NUMBER})(?:\.\.({_NUMBER}))?(?: by ([0-9]+(?:, ?[0-9]+)*))?"
)
_EXPECTED = "expected UNIT/holding:FIRST..LAST or UNIT/coil:NUMBER, as 1/holding:1000..1009 by 6, 16"
UNITS = range(1, 256)


@dataclass(frozen=True, slots=True)
class RegisterSpan:
    """``first`` to ``last`` of a table of a unit, counted from 0, both included, for these ``functions``."""

    unit: int
    table: Table
    first: int
    last: int
    functions: frozenset[int]

    def covers(self, unit: int, function: int, first: int, count: int) -> bool:
        """Return whether a write of ``count`` from ``first`` by this function lies wholly in it."""
        return (
            unit == self.unit
            and function in self.functions
            and self.first <= first
            and first + count - 1 <= self.last
        )

    def touches(self, unit: int, table: str, first: int, count: int) -> bool:
        """Return whether any of ``count`` places from ``first`` is in it, whatever the function."""
        return (
            unit == self.unit
            and table == self.table
            and first <= self.last
            and self.first <= first + count - 1
        )

    def __str__(self) -> str:
        """Return the span as ``1/holding:1000..1009``."""
        end = "" if self.last == self.first else f"..{self.last}"
        return f"{self.unit}/{self.table}:{self.first}{end}"


def parse_span(text: str) -> RegisterSpan:
    """Parse one span.  Raises ValueError saying what was expected."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no place to write; {_EXPECTED}")
    unit = int(found[1])
    table: Table = "coil" if found[2] == "coil" else "holding"
    first = _parse_number(found[3])
    last = first if found[4] is None else _parse_number(found[4])
    if unit not in UNITS:
        raise ValueError(f"{text!r} has unit {unit}, which reaches every device or none; expected 1..255")
    if not first <= last <= 0xFFFF:
        raise ValueError(f"{text!r} ends before it begins, or beyond 65535; {_EXPECTED}")
    functions = _USUAL_FUNCTIONS[table] if found[5] is None else frozenset(map(int, found[5].split(",")))
    if not functions <= FUNCTIONS[table]:
        known = ", ".join(map(str, sorted(FUNCTIONS[table])))
        raise ValueError(f"{text!r}: what writes a {table} is {known}; expected some of them behind 'by'")
    return RegisterSpan(unit, table, first, last, functions)


def parse_spans(texts: Iterable[str]) -> tuple[RegisterSpan, ...]:
    """Parse all spans, each as by ``span``."""
    return tuple(map(parse_span, texts))


def _parse_number(text: str) -> int:
    return int(text, 16 if text.startswith("0x") else 10)
