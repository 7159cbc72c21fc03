"""Profiles of SunSpec devices: quantities by the standard's names, and their control."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from quartier_drivers.profile import Check, Profile
from quartier_drivers.schema import Head, Limits
from quartier_drivers.sunspec.flaws import crowd_flaws, taken_flaws
from quartier_drivers.sunspec.schema import Map, Taken

# Everything between two points of a map may be read, so only the length of a request costs anything.
_GAP_MAX = 124


@dataclass(frozen=True, slots=True)
class SunspecProfile(Profile):
    """The profile of a SunSpec device; ``bases`` are the possible beginnings of its map."""

    parts: Mapping[str, Mapping[str, Taken]]
    limits: Limits
    bases: Sequence[int]


class SunspecCheck(Check):
    """Checks profiles that name points of models."""

    sections = ("profile", "limits", "map", "scan", "points", "parts")

    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(
            Limits, ("limits",), {"gap_max": _GAP_MAX, **self._table(("limits",), data.get("limits", {}))}
        )
        where = self._model(Map, ("map",), data.get("map", {}))
        parts = self._quantities(data, scan, Taken, taken_flaws)
        self._one_or_parts(parts)
        for (part, quantity), what in crowd_flaws(parts):
            self._add((*(("parts", part) if part else ("points",)), quantity, "write", "control"), what)
        if head is None or limits is None or where is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit sunspec, whose points have names")
        return SunspecProfile(name, head, scan, parts, limits, where.bases)
