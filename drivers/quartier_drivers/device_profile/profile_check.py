"""The profile of a device, and the walk through its data that collects all faults, for any protocol."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pydantic import ValidationError

from quartier_drivers.device_profile.rules import ProfileFault, check_quantity_name
from quartier_drivers.device_profile.schema import ProfileHead, Quantity, Section
from quartier_drivers.device_profile.toml_files import TomlPlaces, list_keys, suggest_key
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.points import is_owner

if TYPE_CHECKING:
    from quartier_drivers.errors import Fault

SCAN_PERIODS_S = {"fast": 1.0, "normal": 5.0, "slow": 60.0}
Finding = tuple[KeyPath, str]
"""The place in the file, and what to review there with the remedy."""


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

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield what people should know beside its points: what the device bears, how it is recognised."""
        yield from ()

    def list_points(self) -> Iterator[tuple[KeyPath, str, Any]]:
        """Yield each point with its place in the file and its quantity."""
        for part, points in self.parts.items():
            for quantity, point in points.items():
                yield (*(("parts", part) if part else ("points",)), quantity), quantity, point


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

    def _add(self, path: KeyPath, what: str) -> None:
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

    def _flaws(self, path: KeyPath, flaws: Sequence[ProfileFault]) -> None:
        for key, what in flaws:
            steps = (int(step) if step.isdecimal() else step for step in key.split(".") if step)
            self._add((*path, *steps), what)
