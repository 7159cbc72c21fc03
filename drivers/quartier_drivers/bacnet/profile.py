"""Profiles of BACnet devices: quantities by objects and properties, and how they are commanded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quartier_drivers.bacnet.flaws import crowd_flaws, point_flaws
from quartier_drivers.bacnet.schema import BacnetLimits, BacnetPoint, Recognise
from quartier_drivers.flaws import name_flaws
from quartier_drivers.profile import Check, Profile
from quartier_drivers.schema import Head


@dataclass(frozen=True, slots=True)
class BacnetProfile(Profile):
    """The profile of a BACnet device; ``mark`` is what a scan recognises it by, if anything."""

    parts: Mapping[str, Mapping[str, BacnetPoint]]
    limits: BacnetLimits
    mark: Recognise | None


class BacnetCheck(Check):
    """Profiles that name objects."""

    sections = ("profile", "limits", "scan", "recognise", "points", "parts")

    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(BacnetLimits, ("limits",), data.get("limits", {}))
        mark = self._model(Recognise, ("recognise",), data["recognise"]) if "recognise" in data else None
        parts = {
            part: self._quantities(path, tables, scan)
            for part, (path, tables) in self._tables_of_parts(data).items()
        }
        self._some(parts)
        if "" in parts and len(parts) > 1:
            self._add(("points",), "stands beside parts; a device has points or parts, not both")
        for (part, quantity), what in crowd_flaws(parts):
            self._add((*(("parts", part) if part else ("points",)), quantity, "write"), what)
        if head is None or limits is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit bacnet, whose objects have instances")
        return BacnetProfile(name, head, scan, parts, limits, mark)

    def _quantities(
        self, path: tuple[str, ...], tables: Mapping[str, Any], scan: Mapping[str, float]
    ) -> dict[str, BacnetPoint]:
        found = {}
        for quantity, table in tables.items():
            here = (*path, quantity)
            point = self._model(BacnetPoint, here, table)
            if point is not None:
                found[quantity] = point
                self._flaws(here, point_flaws(quantity, point, scan))
            else:
                self._flaws(here, name_flaws(quantity))
        return found
