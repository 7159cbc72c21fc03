"""Parse the lines of a P1 telegram; check telegrams without CRC (pure).

Sources: DSMR P1 companion standard 5.0.2 chapter 6; 2.2 and 3.0 chapter 5 for gas on two lines; e-MUCS P1
1.7.1 (Belgium); Luxmetering E-Meter P1 1.1.3; Swedenergy local interface 2.0.

The companion standards give each number a fixed width (DSMR 2.2 and 3.0, chapter 5: F8(3,3) for counters,
four or three digits and two decimals for powers), so a lost or doubled digit is detected.  Two halves of
different counters that become one line are not, but then a line is missing: on a port a telegram counts only
if the telegram before it had the same lines.
"""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from quartier_drivers.meter.p1.object_lines import read_objects
from quartier_drivers.meter.telegrams import Group, GroupValue

_NUMBER = r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?"
_TIME = r"[0-9]{12}[SW]?"
_LABEL = r"(?:[0-9]{1,3}-[0-9]{1,3}:)?[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}"
_OBJECT = re.compile(rf"({_LABEL}(?:\*[0-9]{{1,3}})?)((?:\([^()]*\))+)").fullmatch
_OBJECTS = re.compile(rf"{_LABEL}(?:\*[0-9]{{1,3}})?(?:\([^()]*\))+")
_MEASURED = re.compile(rf"({_LABEL})\(({_NUMBER})\*([^()*]+)\)").fullmatch
_ONE = re.compile(rf"\(({_NUMBER})\*([^()*]+)\)").fullmatch
_DECIMAL = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,9}").fullmatch
_CAPTURED = re.compile(rf"\(({_TIME})\)\(({_NUMBER})(?:\*([^()*]+))?\)").fullmatch
# Versions 2 and 3: time, status, period, number of values, OBIS, unit, and on a separate line the value.
_OLD = re.compile(
    rf"\(({_TIME})\)\([0-9A-Fa-f]*\)\([0-9]+\)\(1\)\([0-9.:-]+\)\(([A-Za-z0-9]+)\)\(({_NUMBER})\)"
).fullmatch
_OLD_COUNT = 7
_DATE = re.compile(
    r"([0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([01][0-9]|2[0-3])([0-5][0-9])([0-5][0-9])([SW]?)"
).fullmatch
_CHANNELS = tuple(f"0-{channel}:" for channel in range(1, 10))
_IDENTITY = re.compile(r"0-[1-9]:(?:24\.1\.0|96\.1\.[01])\(").match
_NONE = Group("", "")
_NOTHING: Mapping[str, GroupValue] = MappingProxyType({})
LINES_MAX = 512
"""Lines that are kept; a long telegram has about 60."""


_OFFSETS = {"S": "+02:00", "W": "+01:00", "": ""}
"""All countries with a P1 port use Central European Time."""


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
"""Device types of EN 13757-3 in ``0-n:24.1.0``."""


SERIALS = ("0-0:96.1.1", "0-0:96.1.0", "0-0:96.1.255", "0-0:42.0.0")
"""Labels of a meter's serial number, the most reliable first."""


class LineReader:
    """Reads the lines of telegrams; keeps the known ones, because a meter repeats most of them.

    The meaning of a sub-meter's line depends on its identity: if the sub-meters change, all lines are read
    anew.
    """

    def __init__(self) -> None:
        self._known: dict[str, Group] = {}
        self._children: list[str] = []

    def read(self, text: str) -> tuple[list[Group], bool]:
        """Return the groups of the lines between the first one and the ``!``, and whether all were valid.

        A telegram without CRC has no other proof.
        """
        rows = text.splitlines()
        children = [row for row in rows if row.startswith(_CHANNELS) and _IDENTITY(row)]
        if children != self._children or len(self._known) > LINES_MAX:
            self._children = children
            self._known.clear()
        groups, missing = read_objects(rows, self._known, _NONE)
        return self._fill_groups(groups, missing) if missing else (groups, True)

    def _fill_groups(self, groups: list[Group], missing: list[tuple[int, str]]) -> tuple[list[Group], bool]:
        """Return the groups, with those of lines that are neither known nor plain."""
        told = _describe_children(self._children)
        is_clean = True
        before: tuple[int, str] | None = None
        others: dict[int, list[Group]] = {}
        for place, row in missing:
            bare = row.strip()
            if bare[:1] == "(" and before is not None and place == before[0] + 1:
                # The value in old versions, on a separate line.
                group = _parse_group(before[1] + bare, told)
                if group is not None:
                    groups[before[0]] = group
                    self._known.pop(before[1], None)
                    before = None
                    continue
            group = _parse_group(bare, told)
            if group is None and (several := _parse_several(bare, told)):
                groups[place], *others[place] = several
                continue
            if group is None:
                is_clean = is_clean and not bare
                continue
            groups[place] = group
            before = (place, row)
            if bare.count(":") < 2:  # one that names another object may go on on the next line
                self._known[row] = group
        if others:
            groups = [one for place, group in enumerate(groups) for one in (group, *others.get(place, ()))]
        return [group for group in groups if group is not _NONE], is_clean


def _parse_several(line: str, told: Mapping[str, Mapping[str, GroupValue]]) -> list[Group]:
    """Return the groups of a line with more than one object (IEC 62056-21, 6.5).

    Empty if it is no such line.
    """
    objects = _OBJECTS.findall(line)
    groups = [group for one in objects if (group := _parse_group(one, told)) is not None]
    return groups if "".join(objects) == line and len(groups) == len(objects) else []


def _parse_group(line: str, told: Mapping[str, Mapping[str, GroupValue]]) -> Group | None:
    """Return the group of a line; None if it is no object."""
    if "*" in line and (measured := _MEASURED(line)):
        label, digits, unit = measured.groups()
        return Group(label, _parse_number(digits), unit, "", _find_child(label, told))
    found = _OBJECT(line)
    if found is None:
        return None
    label = found[1].removesuffix("*255")
    return Group(label, *_parse_value(found[2]), _find_child(label, told))


def _parse_value(brackets: str) -> tuple[str | int | float, str, str]:
    """Return value, unit and time of the content in brackets."""
    count = brackets.count("(")
    if count == 1:
        inside = brackets[1:-1]
        if "*" in inside and (measured := _ONE(brackets)):
            return _parse_number(measured[1]), measured[2], ""
        if "." in inside and _DECIMAL(inside):  # a power factor, for one; whole numbers may be codes
            return float(inside), "", ""
        return inside, "", render_iso_time(inside) if inside.endswith(("S", "W")) else ""
    if count == 2 and (captured := _CAPTURED(brackets)):
        time, digits, unit = captured.groups()
        return _parse_number(digits) if unit or "." in digits else digits, unit or "", render_iso_time(time)
    if count == _OLD_COUNT and (old := _OLD(brackets)):
        return _parse_number(old[3]), old[2], render_iso_time(old[1])
    return brackets, "", ""


def _parse_number(digits: str) -> int | float:
    return float(digits) if "." in digits else int(digits)


def render_iso_time(digits: str) -> str:
    """Return ``YYMMDDhhmmssX`` as ISO 8601, with offset if X is summer or winter.

    Empty for an invalid date.
    """
    found = _DATE(digits)
    if found is None:
        return ""
    year, month, day, hour, minute, second, season = found.groups()
    return f"20{year}-{month}-{day}T{hour}:{minute}:{second}{_OFFSETS[season]}"


def _describe_children(identities: Iterable[str]) -> Mapping[str, Mapping[str, GroupValue]]:
    """Return channel, medium and serial number of the sub-meters by ``0-n:``."""
    found: dict[str, dict[str, GroupValue]] = {}
    for row in identities:
        said = found.setdefault(row[:4], {"channel": int(row[2])})
        value = row.partition("(")[2].rstrip().removesuffix(")")
        if ":24.1.0" not in row:
            said |= {"meter": decode_serial(value)} if value else {}
        elif value.isdecimal() and len(value) <= 3:
            said["medium"] = MEDIA.get(int(value), f"type {int(value)}")
    return found


def _find_child(label: str, told: Mapping[str, Mapping[str, GroupValue]]) -> Mapping[str, GroupValue]:
    if label[:2] != "0-" or not label.startswith(_CHANNELS):
        return _NOTHING
    return told.get(label[:4]) or {"channel": int(label[2])}


def decode_serial(said: str) -> str:
    """Return a serial number as printed on the meter: meters send its letters in hexadecimal."""
    try:
        text = bytes.fromhex(said).decode("ascii")
    except ValueError:
        return said
    return text if text.isalnum() else said


def find_meter_number(plain: Iterable[Group]) -> str:
    """Return the sender of the telegram; empty if it is not stated."""
    said = {group.label: str(group.value) for group in plain if group.label in SERIALS}
    return next((decode_serial(said[label]) for label in SERIALS if said.get(label)), "")


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
_COUNTER_OR_POWER = re.compile(r"1-\d:\d+\.([78])\.\d\(([0-9.]+\*\w+)\)").fullmatch
_TEXT_MESSAGE = re.compile(r"(0-0:96\.13\.\d)\(").match
_DIGIT = re.compile(r"\d")


def is_well_formed(rows: Iterable[str]) -> bool:
    """Return whether each number has a standard width, the same for all counters and for all powers."""
    widths: set[tuple[str, str]] = set()
    for row in rows:
        line = row.strip()
        for begins, fits in _FORMS:
            found = begins(line)
            if found and not fits(line[found.end() : -1].removeprefix("(")):
                return False
        if measured := _COUNTER_OR_POWER(line):
            widths.add((measured[1] + measured[2].partition("*")[2], _DIGIT.sub("0", measured[2])))
    return len(widths) == len({quantity for quantity, _ in widths})


def make_outline(rows: Iterable[str]) -> tuple[str, ...]:
    """Return the lines with all digits 0 and without texts: only objects and widths remain."""
    return tuple(_outline_line(row.strip()) for row in rows)


def _outline_line(line: str) -> str:
    message = _TEXT_MESSAGE(line)
    if message:
        return message[1]
    label, bracket, rest = line.partition("(")
    return label + bracket + _DIGIT.sub("0", rest)
