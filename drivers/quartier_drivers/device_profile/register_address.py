"""Parses how manuals name registers: table and number from 0 or 1, or 40001; the wire counts from 0."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, ValidationInfo

Table = Literal["coil", "discrete", "input", "holding"]

_NAMED_ADDRESS = re.compile(r"(coil|discrete|input|holding):(0x[0-9a-fA-F]{1,4}|[0-9]{1,5})")
# Five digits, or six for numbers beyond 9999; the first one is the table (Modbus Application Protocol
# V1.1b3 leaves the notation to the makers; it is Modicon's, PI-MBUS-300 Rev. J, "Data Addresses").
_REFERENCE_NUMBER = re.compile(r"([0134])([0-9]{4,5})")
_TABLES: dict[str, Table] = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}


@dataclass(frozen=True, slots=True)
class Address:
    """A place in one of the four tables, counted from 0 as on the wire."""

    table: Table
    number: int

    def __str__(self) -> str:
        """Return the address as ``holding:840``."""
        return f"{self.table}:{self.number}"


def parse_address(text: object, numbers_from: int | None = None) -> Address:
    """Parse ``"input:0x0028"``, ``"holding:840"`` or ``"40841"``.

    ``numbers_from`` says how the manual counts, 0 or 1; None: from 0, and 40841 is refused, because its
    meaning would be a guess.  Raises ValueError saying what was expected.
    """
    if isinstance(text, Address):
        return text
    named = _NAMED_ADDRESS.fullmatch(text) if isinstance(text, str) else None
    reference = _REFERENCE_NUMBER.fullmatch(text) if isinstance(text, str) else None
    if reference is not None and numbers_from is None:
        raise ValueError(
            f"{text!r} does not tell where its numbers start; say numbers_from = 1 in [profile] where the "
            f"first register is {reference[1]}{'1'.zfill(len(reference[2]))}, or 0"
        )
    start = numbers_from or 0
    last = 0xFFFF + start
    if named is not None:
        table: Table = named[1]  # type: ignore[assignment]  # the pattern allows only the four tables
        number = int(named[2], 0 if named[2].startswith("0x") else 10)
    elif reference is not None:
        table, number = _TABLES[reference[1]], int(reference[2])
    else:
        raise ValueError(f"{text!r} is no register, {_explain_expected(start)}")
    if not start <= number <= last:
        raise ValueError(f"{text!r} is no register, {_explain_expected(start)}")
    return Address(table, number - start)


def _explain_expected(start: int) -> str:
    return f"expected coil|discrete|input|holding:{start}..{0xFFFF + start}"


def _check_address(text: object, info: ValidationInfo) -> Address:
    return parse_address(text, (info.context or {}).get("numbers_from"))


Registers = Annotated[Address, BeforeValidator(_check_address)]
"""An address in a checked table; the context ``{"numbers_from": 1}`` says how the manual counts."""
