"""Loads device profiles: TOML data that says what a device serves, checked with all faults at once."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.flaws import Flaw, line_flaws, mark_flaws, name_flaws, point_flaws, source_flaws
from quartier_drivers.place import Places, keys_of, nearest, read_text, read_toml
from quartier_drivers.points import is_owner
from quartier_drivers.registry import METERS
from quartier_drivers.schema import Head, Identity, Limits, Mark, Point, Quantity, Section, Source

__all__ = [
    "BUILT_IN",
    "SCAN_S",
    "Check",
    "Point",
    "Profile",
    "RegisterProfile",
    "file_of",
    "load",
    "names",
    "of_registers",
    "parse",
]

BUILT_IN = Path(__file__).parent / "profiles"
SCAN_S = {"fast": 1.0, "normal": 5.0, "slow": 60.0}


@dataclass(frozen=True, slots=True)
class Profile:
    """A checked profile.  ``parts`` maps part -> quantity -> point; a device of one part has the part ``""``.

    ``scan`` maps scan class -> period in s.
    """

    name: str
    head: Head
    scan: Mapping[str, float]
    parts: Mapping[str, Mapping[str, Quantity]]

    @property
    def protocol(self) -> str:
        """The protocol that reads this device."""
        return self.head.protocol


@dataclass(frozen=True, slots=True)
class RegisterProfile(Profile):
    """The profile of a device with registers; ``marks`` identify it when a bus is scanned."""

    parts: Mapping[str, Mapping[str, Point]]
    limits: Limits
    identity: Mapping[str, Source]
    marks: Mapping[str, Mark]


def names(folders: Sequence[Path] = ()) -> list[str]:
    """Return all profiles as ``maker/model``, sorted; ``folders`` are the site's own."""
    return sorted(
        {
            f"{file.parent.name}/{file.stem}"
            for folder in (*folders, BUILT_IN)
            for file in folder.glob("*/*.toml")
        }
    )


def load(name: str, folders: Sequence[Path] = ()) -> Profile:
    """Load ``maker/model`` from the site's ``folders``, else from the built-in ones.

    Raises ConfigError with all faults of the file, or if there is no such profile.
    """
    return _read(name, file_of(name, folders))


def file_of(name: str, folders: Sequence[Path] = ()) -> Path:
    """Return the file that ``load`` reads.  Raises ConfigError if there is no such profile."""
    for folder in (*folders, BUILT_IN):
        file = folder / f"{name}.toml"
        if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and file.is_file():
            return file
    raise ConfigError([Fault(name, None, "profile", f"is unknown; {nearest(name, names(folders))}")])


def of_registers(profile: Profile) -> RegisterProfile:
    """Return the profile typed as one of registers.  Raises ConfigError if its protocol has no registers."""
    if isinstance(profile, RegisterProfile):
        return profile
    what = f"speaks {profile.protocol}, which has no registers"
    raise ConfigError([Fault(profile.name, None, "protocol", what)])


def _read(name: str, file: Path) -> Profile:
    try:
        return parse(read_text(file), name, str(file))
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {error.strerror}")]) from error


def parse(text: str, name: str, file: str) -> Profile:
    """Check the text of a profile; ``file`` is for the faults.  Raises ConfigError with all faults."""
    data = read_toml(file, text)
    check = _check(data)(Places(file, text))
    profile = check.profile(name, data)
    if check.faults or profile is None:
        raise ConfigError(sorted(check.faults, key=lambda fault: fault.line or 0))
    return profile


def _check(data: Mapping[str, Any]) -> "type[Check]":
    head = data.get("profile")
    if isinstance(head, dict) and head.get("protocol") in METERS:
        from quartier_drivers.meter.profile import MeterCheck  # noqa: PLC0415 - a site without meters has no use for it

        return MeterCheck
    if isinstance(head, dict) and head.get("protocol") == "sunspec":
        from quartier_drivers.sunspec.profile import SunspecCheck  # noqa: PLC0415 - as above

        return SunspecCheck
    if isinstance(head, dict) and head.get("protocol") == "opcua":
        from quartier_drivers.opcua.profile import OpcuaCheck  # noqa: PLC0415 - as above

        return OpcuaCheck
    if isinstance(head, dict) and head.get("protocol") == "bacnet":
        from quartier_drivers.bacnet.profile import BacnetCheck  # noqa: PLC0415 - as above

        return BacnetCheck
    return _RegisterCheck


_Model = TypeVar("_Model", bound=Section)
_Asked = TypeVar("_Asked", bound=Quantity)


class Check(ABC):
    """Walks the data of a profile once and collects all faults."""

    sections: ClassVar[tuple[str, ...]]
    """The tables that such a profile may have."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.faults: list[Fault] = []
        self._numbers_from: int | None = None

    def profile(self, name: str, data: Mapping[str, Any]) -> Profile | None:
        """Return the profile; None if its faults leave none."""
        for key in data:
            if key not in self.sections:
                self._add((key,), f"is no known key; {nearest(key, self.sections)}")
        head = self._model(Head, ("profile",), data.get("profile", {}))
        self._numbers_from = head.numbers_from if head is not None else None
        return self._checked(name, head, self._scan(data.get("scan", {})), data)

    @abstractmethod
    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        """Check the tables of the protocol; None if their faults leave no profile."""

    def _add(self, path: tuple[str | int, ...], what: str) -> None:
        self.faults.append(self._places.fault(path, what))

    def _model(self, model: type[_Model], path: tuple[str, ...], raw: object) -> _Model | None:
        if not isinstance(raw, dict):
            self._add(path, f"{raw!r} is wrong, expected a table with {', '.join(keys_of(model))}")
            return None
        try:
            return model.model_validate(raw, context={"numbers_from": self._numbers_from})
        except ValidationError as error:
            self.faults += self._places.faults(path, error, model)
            return None

    def _table(self, path: tuple[str, ...], raw: object) -> dict[str, Any]:
        if isinstance(raw, dict):
            return raw
        self._add(path, f"{raw!r} is wrong, expected a table")
        return {}

    def _scan(self, raw: object) -> dict[str, float]:
        scan = dict(SCAN_S)
        for key, period in self._table(("scan",), raw).items():
            if isinstance(period, int | float) and not isinstance(period, bool) and 0.05 <= period <= 86400:
                scan[key] = float(period)
            else:
                self._add(("scan", key), f"{period!r} is wrong, expected seconds, 0.05..86400")
        return scan

    def _tables_of_parts(self, data: Mapping[str, Any]) -> dict[str, tuple[tuple[str, ...], dict[str, Any]]]:
        """Return each part with its place in the file and the tables of its points."""
        tables: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {}
        if "points" in data:
            tables[""] = ("points",), self._table(("points",), data["points"])
        for part, raw in self._table(("parts",), data.get("parts", {})).items():
            if not is_owner(part):
                self._add(("parts", part), f"{part!r} is no name, expected a-z, 0-9 and '_'")
            tables[part] = ("parts", part), self._table(("parts", part), raw)
        return tables

    def _quantities(
        self,
        data: Mapping[str, Any],
        scan: Mapping[str, float],
        model: type[_Asked],
        flaws: Callable[[str, _Asked, Mapping[str, float]], Sequence[Flaw]],
    ) -> dict[str, dict[str, _Asked]]:
        """Return the quantities of each part, at least one in all; ``flaws`` finds what is wrong with one."""
        parts = {
            part: self._checked_of(path, tables, model, lambda name, one: flaws(name, one, scan))
            for part, (path, tables) in self._tables_of_parts(data).items()
        }
        if not any(parts.values()) and not self.faults:
            self._add(("points",), "is missing; expected [points.<quantity>] or [parts.<part>.<quantity>]")
        return parts

    def _checked_of(
        self,
        path: tuple[str, ...],
        tables: Mapping[str, Any],
        model: type[_Asked],
        flaws: Callable[[str, _Asked], Sequence[Flaw]],
    ) -> dict[str, _Asked]:
        found = {}
        for quantity, table in tables.items():
            here = (*path, quantity)
            one = self._model(model, here, table)
            if one is not None:
                found[quantity] = one
                self._flaws(here, flaws(quantity, one))
            else:
                self._flaws(here, name_flaws(quantity))
        return found

    def _one_or_parts(self, parts: Mapping[str, object]) -> None:
        if "" in parts and len(parts) > 1:
            self._add(("points",), "stands beside parts; a device has points or parts, not both")

    def _flaws(self, path: tuple[str, ...], flaws: Sequence[Flaw]) -> None:
        for key, what in flaws:
            steps = (int(step) if step.isdecimal() else step for step in key.split(".") if step)
            self._add((*path, *steps), what)


class _RegisterCheck(Check):
    """Checks profiles of devices with registers."""

    sections = ("profile", "limits", "scan", "identity", "recognise", "points", "parts")

    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(Limits, ("limits",), data.get("limits", {}))
        identity = self._identity(data.get("identity", {}))
        marks = self._marks(data.get("recognise", {}))
        parts = self._quantities(data, scan, Point, point_flaws)
        self._one_or_parts(parts)
        if head is None or limits is None:
            return None
        self._blocks(limits, parts)
        if head.protocol == "gpio":
            self._lines(parts)
        return RegisterProfile(name, head, scan, parts, limits, identity, marks)

    def _identity(self, raw: object) -> dict[str, Source]:
        identity = self._model(Identity, ("identity",), raw)
        sources = {key: getattr(identity, key) for key in keys_of(Identity)} if identity else {}
        found = {key: source for key, source in sources.items() if source is not None}
        for key, source in found.items():
            self._flaws(("identity", key), source_flaws(source))
        return found

    def _marks(self, raw: object) -> dict[str, Mark]:
        marks = {}
        for key, table in self._table(("recognise",), raw).items():
            mark = self._model(Mark, ("recognise", key), table)
            if mark is not None:
                marks[key] = mark
                self._flaws(("recognise", key), mark_flaws(mark))
        return marks

    def _blocks(self, limits: Limits, parts: Mapping[str, Mapping[str, Point]]) -> None:
        for part, points in parts.items():
            for quantity, point in points.items():
                if point.width > limits.block_max:
                    path = ("parts", part, quantity) if part else ("points", quantity)
                    self._add(
                        path, f"takes {point.width} registers, but limits.block_max is {limits.block_max}"
                    )

    def _lines(self, parts: Mapping[str, Mapping[str, Point]]) -> None:
        for part, points in parts.items():
            for quantity, point in points.items():
                path = ("parts", part, quantity) if part else ("points", quantity)
                self._flaws(path, line_flaws(quantity, point))
