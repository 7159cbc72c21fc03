"""Checks P1 telegrams without a CRC (DSMR 2.2 and 3.0) by widths and by the telegram before.  Pure.

The companion standards give each number a fixed width (DSMR 2.2 and 3.0, chapter 5: F8(3,3) for counters,
four or three digits and two decimals for powers), so a lost or doubled digit is detected.  Two halves of
different counters that become one line are not, but then a line is missing: on a port a telegram counts only
if the telegram before it had the same lines.
"""

import re
from collections.abc import Iterable

# Allowed forms of a value, by object.  Other objects may have any form.
_FORMS = tuple(
    (re.compile(label).match, re.compile(f"(?:{value})").fullmatch)
    for label, value in (
        (r"1-\d:[1-8]\.8\.\d\(", r"\d{5,6}\.\d{3}\*k(?:Wh|varh)"),
        (r"1-\d:[246]?[1-4]\.7\.0\(", r"(?:\d{3,4}\.\d\d|\d\d\.\d{3})\*k(?:W|var)"),
        (r"0-0:17\.0\.0\(", r"\d{3}(?:\.\d)?\*(?:A|kW)|\d{4}\.\d\d\*kW"),
        (r"0-0:96\.14\.0\(", r"\d{4}"),
        (r"0-0:96\.3\.10\(", r"\d"),
        (r"0-\d:96\.1\.[01]\(", r"(?:[0-9A-Fa-f]{2})*|.*[^0-9A-Fa-f].*"),
        (r"0-\d:24\.1\.0\(", r"\d{1,3}"),
        (r"0-\d:24\.4\.0\(", r"\d"),
        (r"0-\d:24\.3\.0\(\d{12}\)", r"[0-9A-F]{2}\)\(\d\d\)\(1\)\(0-\d:24\.\d\.\d\)\([A-Za-z0-9]{1,3}"),
        (r"0-\d:24\.3\.0\((?!\d{12}\))", r""),
        (r"\(", r"\d{5}\.\d{3}|\d{6}\.\d\d"),
    )
)
_MEASURED = re.compile(r"1-\d:\d+\.([78])\.\d\(([0-9.]+\*\w+)\)").fullmatch
_MESSAGE = re.compile(r"(0-0:96\.13\.\d)\(").match
_DIGIT = re.compile(r"\d")


def is_formed(rows: Iterable[str]) -> bool:
    """Return whether each number has a standard width, the same for all counters and for all powers."""
    widths: set[tuple[str, str]] = set()
    for row in rows:
        line = row.strip()
        for begins, fits in _FORMS:
            found = begins(line)
            if found and not fits(line[found.end() : -1].removeprefix("(")):
                return False
        if measured := _MEASURED(line):
            widths.add((measured[1] + measured[2].partition("*")[2], _DIGIT.sub("0", measured[2])))
    return len(widths) == len({quantity for quantity, _ in widths})


def outline(rows: Iterable[str]) -> tuple[str, ...]:
    """Return the lines with all digits 0 and without texts: only objects and widths remain."""
    return tuple(_outlined(row.strip()) for row in rows)


def _outlined(line: str) -> str:
    message = _MESSAGE(line)
    if message:
        return message[1]
    label, bracket, rest = line.partition("(")
    return label + bracket + _DIGIT.sub("0", rest)
