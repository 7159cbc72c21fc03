"""The lines of one P1 telegram as groups: OBIS, scaled numbers, times, and which child says what.

Sources: DSMR P1 companion standard 5.0.2 chapter 6; 2.2 and 3.0 chapter 5 for gas on two lines;
e-MUCS P1 1.7.1 (Belgium); Luxmetering E-Meter P1 1.1.3; Swedenergy local interface 2.0.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from quartier_drivers.meter.telegram import Group, Said

_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?"
_TIME = r"[0-9]{12}[SW]?"
_OBJECT = re.compile(
    r"((?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?:\*[0-9]{1,3})?)((?:\([^()]*\))+)"
).fullmatch
_MORE = re.compile(r"(?:\([^()]*\))+").fullmatch
_MEASURED = re.compile(rf"\(({_NUMBER})\*([^()*]+)\)").fullmatch
_CAPTURED = re.compile(rf"\(({_TIME})\)\(({_NUMBER})(?:\*([^()*]+))?\)").fullmatch
_CLOCK = re.compile(r"\(([0-9]{12}[SW])\)").fullmatch
# Versions 2 and 3: time, status, period, number of values, OBIS, unit, and on a line of its own the value.
_OLD = re.compile(
    rf"\(({_TIME})\)\([0-9A-Fa-f]*\)\([0-9]+\)\(1\)\([0-9.:-]+\)\(([A-Za-z0-9]+)\)\(({_NUMBER})\)"
).fullmatch
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])([SW]?)"
).fullmatch
_CHILD = re.compile(r"0-([1-9]):(?:24|96|97)\.").match
_OFFSETS = {"S": "+02:00", "W": "+01:00", "": ""}
"""All countries with a P1 port keep Central European Time."""

MEDIA = {
    2: "electricity",
    3: "gas",
    4: "heat",
    6: "warm water",
    7: "water",
    8: "heat cost",
    10: "cooling",
    11: "cooling",
    12: "heat",
    13: "heat",
    21: "warm water",
    22: "water",
}
"""Device types of EN 13757-3 that stand behind ``0-n:24.1.0``."""
SERIALS = ("0-0:96.1.1", "0-0:96.1.0", "0-0:96.1.255", "0-0:42.0.0")
"""Where a meter says who it is, the surest first."""


def joined(text: str) -> tuple[list[tuple[str, str]], bool]:
    """Each object's OBIS with its brackets, from the lines between the first and the ``!``.

    Also whether every line was one: a telegram without CRC has no other proof.
    """
    objects: list[tuple[str, str]] = []
    is_clean = True
    for line in text.splitlines():
        bare = line.strip()
        found = _OBJECT(bare)
        if found:
            label, brackets = found.groups()
            objects.append((label.removesuffix("*255"), brackets))
        elif bare and objects and _MORE(bare):
            label, brackets = objects[-1]
            objects[-1] = (label, brackets + bare)
        elif bare:
            is_clean = False
    return objects, is_clean


def groups(objects: Iterable[tuple[str, str]]) -> list[Group]:
    """What each object says; those of a child carry its channel, medium and serial."""
    plain = [_group(label, brackets) for label, brackets in objects]
    children = _children(plain)
    if not children:
        return plain
    return [_of_child(group, children) for group in plain]


def _group(label: str, brackets: str) -> Group:
    measured = _MEASURED(brackets)
    if measured:
        return Group(label, _number(measured[1]), measured[2])
    captured = _CAPTURED(brackets)
    if captured:
        time, digits, unit = captured.groups()
        return Group(label, _number(digits) if unit else digits, unit or "", iso(time))
    clock = _CLOCK(brackets)
    if clock:
        return Group(label, clock[1], "", iso(clock[1]))
    old = _OLD(brackets)
    if old:
        return Group(label, _number(old[3]), old[2], iso(old[1]))
    return Group(label, brackets[1:-1] if brackets.count("(") == 1 else brackets)


def _number(digits: str) -> int | float:
    return float(digits) if "." in digits else int(digits)


def iso(digits: str) -> str:
    """``YYMMDDhhmmssX`` in ISO 8601, with its offset where X says summer or winter; empty for no date."""
    found = _DATE(digits)
    if found is None:
        return ""
    year, month, day, hour, minute, second, season = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[season]}"


def _children(plain: Iterable[Group]) -> Mapping[str, Mapping[str, Said]]:
    found: dict[str, dict[str, Said]] = {}
    for group in plain:
        child = _CHILD(group.label)
        if child is None:
            continue
        said = found.setdefault(child[1], {"channel": int(child[1])})
        value = str(group.value)
        if group.label.endswith(":24.1.0") and value.isdecimal() and len(value) <= 3:
            said["medium"] = MEDIA.get(int(value), f"type {int(value)}")
        elif group.label.endswith((":96.1.0", ":96.1.1")) and value:
            said["meter"] = serial(value)
    return found


def _of_child(group: Group, children: Mapping[str, Mapping[str, Said]]) -> Group:
    child = _CHILD(group.label)
    return group if child is None else replace(group, more=children[child[1]])


def serial(said: str) -> str:
    """A serial number as it stands on the meter: meters say its letters in hexadecimal."""
    try:
        text = bytes.fromhex(said).decode("ascii")
    except ValueError:
        return said
    return text if text.isalnum() else said


def meter(plain: Iterable[Group]) -> str:
    """Who sent the telegram; empty where it does not say."""
    said = {group.label: str(group.value) for group in plain if group.label in SERIALS}
    return next((serial(said[label]) for label in SERIALS if said.get(label)), "")
