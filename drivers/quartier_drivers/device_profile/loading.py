"""Loads device profiles: TOML data that says what a device serves, checked with all faults at once."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import ValidationError

from quartier_drivers.device_profile.rules import (
    ProfileFault,
    check_gpio_line,
    check_mark,
    check_point,
    check_quantity_name,
    check_source,
)
from quartier_drivers.device_profile.schema import (
    Identity,
    Limits,
    Mark,
    Point,
    ProfileHead,
    Quantity,
    Section,
    Source,
)
from quartier_drivers.device_profile.toml_files import (
    TomlPlaces,
    list_keys,
    read_text,
    read_toml,
    suggest_key,
)
from quartier_drivers.errors import ConfigError, Fault
from quartier_drivers.points import is_owner
from quartier_drivers.registry import METER_PROTOCOLS

Certainty = Literal["sure", "likely", "possible"]
CERTAINTIES: tuple[Certainty, ...] = ("sure", "likely", "possible")


@dataclass(frozen=True, slots=True)
class ProfileMatch:
    """A profile that may fit.  ``why`` lists the marks that fit, and those without an answer.

    ``serial`` is the device's number if it was read.
    """

    profile: str
    sure: Certainty
    why: str
    fits_count: int = 0
    serial: str = ""


def rank_matches(guesses: Iterable[ProfileMatch]) -> list[ProfileMatch]:
    """Return the surest first; if several are sure, all of them become likely."""
    found = sorted(guesses, key=lambda one: (CERTAINTIES.index(one.sure), -one.fits_count, one.profile))
    if sum(one.sure == "sure" for one in found) < 2:
        return found
    return [
        replace(one, sure="likely", why=f"{one.why}; another profile fits as well")
        if one.sure == "sure"
        else one
        for one in found
    ]


__all__ = [
    "BUILT_IN_FOLDER",
    "SCAN_PERIODS_S",
    "Point",
    "Profile",
    "ProfileCheck",
    "RegisterProfile",
    "find_profile_file",
    "list_profiles",
    "load_profile",
    "parse_profile",
    "require_register_profile",
]
BUILT_IN_FOLDER = Path(__file__).parent.parent / "profiles"
SCAN_PERIODS_S = {"fast": 1.0, "normal": 5.0, "slow": 60.0}


@dataclass(frozen=True, slots=True)
class Profile:
    """A checked profile.  ``parts`` maps part -> quantity -> point; a device of one part has the part ``""``.

    ``scan`` maps scan class -> period in s.
    """

    name: str
    head: ProfileHead
    scan: Mapping[str, float]
    parts: Mapping[str, Mapping[str, Quantity]]

    @property
    def protocol(self) -> str:
        """The protocol that reads this device."""
        return self.head.protocol

    @property
    def is_recognisable(self) -> bool:
        """Return whether a scan or its telegrams tell that it is this device or of its family."""
        return False


@dataclass(frozen=True, slots=True)
class RegisterProfile(Profile):
    """The profile of a device with registers; ``marks`` identify it when a bus is scanned."""

    parts: Mapping[str, Mapping[str, Point]]
    limits: Limits
    identity: Mapping[str, Source]
    marks: Mapping[str, Mark]

    @property
    def is_recognisable(self) -> bool:
        """Return whether it names registers that a scan compares."""
        return bool(self.marks)


def list_profiles(folders: Sequence[Path] = ()) -> list[str]:
    """Return all profiles as ``maker/model``, sorted; ``folders`` are the site's own."""
    return sorted(
        {
            f"{file.parent.name}/{file.stem}"
            for folder in (*folders, BUILT_IN_FOLDER)
            for file in folder.glob("*/*.toml")
        }
    )


def load_profile(name: str, folders: Sequence[Path] = ()) -> Profile:
    """Load ``maker/model`` from the site's ``folders``, else from the built-in ones.

    Raises ConfigError with all faults of the file, or if there is no such profile.
    """
    return _read_profile(name, find_profile_file(name, folders))


def find_profile_file(name: str, folders: Sequence[Path] = ()) -> Path:
    """Return the file that ``load_profile`` reads.  Raises ConfigError if there is no such profile."""
    for folder in (*folders, BUILT_IN_FOLDER):
        file = folder / f"{name}.toml"
        if re.fullmatch(r"[\w.-]+/[\w.-]+", name) and file.is_file():
            return file
    raise ConfigError(
        [Fault(name, None, "profile", f"is unknown; {suggest_key(name, list_profiles(folders))}")]
    )


def load_profile_file(file: Path) -> Profile:
    """Load a profile from any file; its folder and its file name it.  Raises ConfigError with all faults."""
    return _read_profile(f"{file.absolute().parent.name}/{file.stem}", file)


def require_register_profile(profile: Profile) -> RegisterProfile:
    """Return the profile typed as one of registers.  Raises ConfigError if its protocol has no registers."""
    if isinstance(profile, RegisterProfile):
        return profile
    what = f"speaks {profile.protocol}, which has no registers"
    raise ConfigError([Fault(profile.name, None, "protocol", what)])


def _read_profile(name: str, file: Path) -> Profile:
    try:
        return parse_profile(read_text(file), name, str(file))
    except OSError as error:
        raise ConfigError([Fault(str(file), None, "file", f"cannot be read: {error.strerror}")]) from error


def parse_profile(text: str, name: str, file: str) -> Profile:
    """Check the text of a profile; ``file`` is for the faults.  Raises ConfigError with all faults."""
    data = read_toml(file, text)
    check = _find_check(data)(TomlPlaces(file, text))
    profile = check.profile(name, data)
    if check.faults or profile is None:
        raise ConfigError(sorted(check.faults, key=lambda fault: fault.line or 0))
    return profile


def _find_check(data: Mapping[str, Any]) -> "type[ProfileCheck]":
    head = data.get("profile")
    if isinstance(head, dict) and head.get("protocol") in METER_PROTOCOLS:
        from quartier_drivers.meter.profile import (  # noqa: PLC0415 - a site without meters has no use for it
            MeterCheck,
        )

        return MeterCheck
    if isinstance(head, dict) and head.get("protocol") == "sunspec":
        from quartier_drivers.sunspec.profile import SunspecProfileCheck  # noqa: PLC0415 - as above

        return SunspecProfileCheck
    if isinstance(head, dict) and head.get("protocol") == "opcua":
        from quartier_drivers.opcua.profile import OpcuaCheck  # noqa: PLC0415 - as above

        return OpcuaCheck
    if isinstance(head, dict) and head.get("protocol") == "bacnet":
        from quartier_drivers.bacnet.profile import BacnetCheck  # noqa: PLC0415 - as above

        return BacnetCheck
    return _RegisterProfileCheck


_Model = TypeVar("_Model", bound=Section)
_Asked = TypeVar("_Asked", bound=Quantity)


class ProfileCheck(ABC):
    """Walks the data of a profile once and collects all faults."""

    sections: ClassVar[tuple[str, ...]]
    """The tables that such a profile may have."""

    def __init__(self, places: TomlPlaces) -> None:
        self._places = places
        self.faults: list[Fault] = []
        self._numbers_from: int | None = None

    def profile(self, name: str, data: Mapping[str, Any]) -> Profile | None:
        """Return the profile; None if its faults leave none."""
        for key in data:
            if key not in self.sections:
                self._add((key,), f"is an unknown key; {suggest_key(key, self.sections)}")
        head = self._model(ProfileHead, ("profile",), data.get("profile", {}))
        self._numbers_from = head.numbers_from if head is not None else None
        return self._check_tables(name, head, self._scan(data.get("scan", {})), data)

    @abstractmethod
    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        """Check the tables of the protocol; None if their faults leave no profile."""

    def _add(self, path: tuple[str | int, ...], what: str) -> None:
        self.faults.append(self._places.fault(path, what))

    def _model(self, model: type[_Model], path: tuple[str, ...], raw: object) -> _Model | None:
        if not isinstance(raw, dict):
            self._add(path, f"{raw!r} is wrong, expected a table with {', '.join(list_keys(model))}")
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
        scan = dict(SCAN_PERIODS_S)
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
        flaws: Callable[[str, _Asked, Mapping[str, float]], Sequence[ProfileFault]],
    ) -> dict[str, dict[str, _Asked]]:
        """Return the quantities of each part, at least one in all; ``flaws`` finds what is wrong with one."""
        parts = {
            part: self._check_points(path, tables, model, lambda name, one: flaws(name, one, scan))
            for part, (path, tables) in self._tables_of_parts(data).items()
        }
        if not any(parts.values()) and not self.faults:
            self._add(("points",), "is missing; expected [points.<quantity>] or [parts.<part>.<quantity>]")
        return parts

    def _check_points(
        self,
        path: tuple[str, ...],
        tables: Mapping[str, Any],
        model: type[_Asked],
        flaws: Callable[[str, _Asked], Sequence[ProfileFault]],
    ) -> dict[str, _Asked]:
        found = {}
        for quantity, table in tables.items():
            here = (*path, quantity)
            one = self._model(model, here, table)
            if one is not None:
                found[quantity] = one
                self._flaws(here, flaws(quantity, one))
            else:
                self._flaws(here, check_quantity_name(quantity))
        return found

    def _one_or_parts(self, parts: Mapping[str, object]) -> None:
        if "" in parts and len(parts) > 1:
            self._add(("points",), "cannot be combined with parts; a device has points or parts, not both")

    def _flaws(self, path: tuple[str, ...], flaws: Sequence[ProfileFault]) -> None:
        for key, what in flaws:
            steps = (int(step) if step.isdecimal() else step for step in key.split(".") if step)
            self._add((*path, *steps), what)


class _RegisterProfileCheck(ProfileCheck):
    """Checks profiles of devices with registers."""

    sections = ("profile", "limits", "scan", "identity", "recognise", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(Limits, ("limits",), data.get("limits", {}))
        identity = self._identity(data.get("identity", {}))
        marks = self._marks(data.get("recognise", {}))
        parts = self._quantities(data, scan, Point, check_point)
        self._one_or_parts(parts)
        if head is None or limits is None:
            return None
        self._blocks(limits, parts)
        if head.protocol == "gpio":
            self._lines(parts)
        return RegisterProfile(name, head, scan, parts, limits, identity, marks)

    def _identity(self, raw: object) -> dict[str, Source]:
        identity = self._model(Identity, ("identity",), raw)
        sources = {key: getattr(identity, key) for key in list_keys(Identity)} if identity else {}
        found = {key: source for key, source in sources.items() if source is not None}
        for key, source in found.items():
            self._flaws(("identity", key), check_source(source))
        return found

    def _marks(self, raw: object) -> dict[str, Mark]:
        marks = {}
        for key, table in self._table(("recognise",), raw).items():
            mark = self._model(Mark, ("recognise", key), table)
            if mark is not None:
                marks[key] = mark
                self._flaws(("recognise", key), check_mark(mark))
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
                self._flaws(path, check_gpio_line(quantity, point))
