"""Profiles of BACnet devices: quantities by objects and properties, and how they are commanded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quartier_drivers.bacnet.flaws import crowd_flaws, point_flaws
from quartier_drivers.bacnet.schema import BacnetLimits, BacnetPoint, Recognise
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
        parts = self._quantities(data, scan, BacnetPoint, point_flaws)
        self._one_or_parts(parts)
        for (part, quantity), what in crowd_flaws(parts):
            self._add((*(("parts", part) if part else ("points",)), quantity, "write"), what)
        if head is None or limits is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit bacnet, whose objects have instances")
        return BacnetProfile(name, head, scan, parts, limits, mark)
