"""Names of points in a profile: ``701.W``, ``103#2.W``, ``160.module[3].DCW``, ``714.Prt[PrtTyp=ESS].DCW``.

Pure.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

_STEP = r"[A-Za-z][\w-]*(?:\[[1-9][0-9]{0,3}\]|\[\w+=[\w *?-]+\])?"
_FORM = re.compile(
    rf"(?P<model>[1-9][0-9]{{0,4}})(?:#(?P<instance>[1-9][0-9]?))?\.(?P<path>{_STEP}(?:\.{_STEP})*)"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A point of the n-th model of a number; ``sign`` is -1 if it is subtracted from a sum."""

    model: int
    path: str
    instance: int = 1
    sign: int = 1

    def __str__(self) -> str:
        """Return the name as it is written in a profile."""
        again = f"#{self.instance}" if self.instance > 1 else ""
        return f"{'-' * (self.sign < 0)}{self.model}{again}.{self.path}"


Sum = tuple[Name, ...]
"""Points that are added up; mostly a single one."""


def name(text: object) -> Name:
    """Parse ``701.W`` or ``-160.module[4].DCW``.  Raises ValueError saying what was expected."""
    bare = text.removeprefix("-") if isinstance(text, str) else ""
    found = _FORM.fullmatch(bare)
    if found is None:
        raise ValueError(f'{text!r} names no point, expected "701.W", "160.module[3].DCW" or "103#2.W"')
    sign = -1 if bare != text else 1
    return Name(int(found["model"]), found["path"], int(found["instance"] or 1), sign)


def _sums(raw: object) -> object:
    """Parse a name, alternatives, or alternatives of which some are lists to add up."""
    alternatives = raw if isinstance(raw, list | tuple) else [raw]
    if not alternatives:
        raise ValueError("is empty, expected the name of a point")
    return tuple(
        tuple(name(one) for one in (alternative if isinstance(alternative, list | tuple) else [alternative]))
        for alternative in alternatives
    )


def _row(raw: object) -> object:
    return tuple(name(one) for one in (raw if isinstance(raw, list | tuple) else [raw]))


Row = Annotated[tuple[Name, ...], BeforeValidator(_row)]
"""Points of which the first that the device states is used."""
Alternatives = Annotated[tuple[Sum, ...], BeforeValidator(_sums)]
"""The possible sources of a quantity; the first that the device has is used."""


def plain(path: str) -> tuple[str, ...]:
    """Return a path without numbers and selections, and the path of each point that selects a group."""
    found = re.search(r"^([^\[\]]+)\[(\w+)=", path)
    bare = re.sub(r"\[[^\]]*\]", "", path)
    return (bare,) if found is None else (bare, f"{found[1]}.{found[2]}")
