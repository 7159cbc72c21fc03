"""Reads the plain lines of P1 telegrams: an object and its value, ``1-0:1.8.1(001234.567*kWh)``.

DSMR P1 companion standard 5.0.2, chapter 6.  Nearly all lines are plain.  ``lines.LineReader`` reads the
others: several values, a time, values of another meter.
"""

import re
from collections.abc import Sequence

from quartier_drivers.meter.telegrams import Group

_DIGITS_MAX = 18
_LABEL = r"((?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3})"
_MEASURED = re.compile(_LABEL + r"\((-?[0-9]{1,15}(?:\.[0-9]{1,9})?)\*([!-'+-~]{1,16})\)").fullmatch
_STATED = re.compile(_LABEL + r"\(([ -'+-9;-~]*)\)").fullmatch
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,9}").fullmatch
_OTHERS = tuple(f"0-{channel}:" for channel in range(1, 10))
"""Beginnings of the labels of sub-meters, whose values this meter sends."""


def read_objects(
    rows: Sequence[str], known: dict[str, Group], blank: Group
) -> tuple[list[Group], list[tuple[int, str]]]:
    """Return a group for each row, and place and text of the rows that are not plain.

    The group of a row that is not plain is ``blank``.
    Rows in ``known`` are not read again; plain rows are added to it.  A row whose value may be in the next
    row is not plain.
    """
    groups: list[Group] = []
    others: list[tuple[int, str]] = []
    for place, row in enumerate(rows):
        group = known.get(row)
        if group is None:
            goes_on = place + 1 < len(rows) and rows[place + 1].lstrip()[:1] == "("
            group = None if goes_on else parse_object(row)
            if group is None:
                others.append((place, row))
            else:
                known[row] = group
        groups.append(blank if group is None else group)
    return groups, others


def parse_object(row: str) -> Group | None:
    """Return the group of a plain row; None if it is not plain."""
    if row.startswith(_OTHERS):
        return None
    measured = _MEASURED(row)
    if measured:
        label, digits, unit = measured.groups()
        number = _parse_number(digits)
        return None if number is None else Group(label, number, unit)
    stated = _STATED(row)
    if stated is None or stated[2].endswith(("S", "W")):
        return None
    if not _DECIMAL(stated[2]):
        return Group(stated[1], stated[2])
    number = _parse_number(stated[2])
    return None if number is None else Group(stated[1], number)


def _parse_number(digits: str) -> int | float | None:
    if sum(letter.isdecimal() for letter in digits) > _DIGITS_MAX:
        return None
    return float(digits) if "." in digits else int(digits)
