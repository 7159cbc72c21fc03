"""Profiles of OPC UA devices: quantities by the nodes of a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from quartier_drivers.flaws import name_flaws
from quartier_drivers.opcua.flaws import point_flaws
from quartier_drivers.opcua.node import Node
from quartier_drivers.opcua.schema import Identity, Limits, Point
from quartier_drivers.profile import Check, Profile
from quartier_drivers.schema import Head


@dataclass(frozen=True, slots=True)
class OpcuaProfile(Profile):
    """The profile of a part of a server's address space."""

    parts: Mapping[str, Mapping[str, Point]]
    limits: Limits
    identity: Mapping[str, Node]


class OpcuaCheck(Check):
    """Profiles that name nodes."""

    sections = ("profile", "limits", "scan", "identity", "points", "parts")

    def _checked(
        self, name: str, head: Head | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(Limits, ("limits",), data.get("limits", {}))
        identity = self._model(Identity, ("identity",), data.get("identity", {}))
        parts = {
            part: self._points(path, tables, scan)
            for part, (path, tables) in self._tables_of_parts(data).items()
        }
        self._some(parts)
        if "" in parts and len(parts) > 1:
            self._add(("points",), "stands beside parts; a device has points or parts, not both")
        if head is None or limits is None or identity is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit opcua, which has no registers")
        return OpcuaProfile(name, head, scan, parts, limits, identity.nodes)

    def _points(
        self, path: tuple[str, ...], tables: Mapping[str, Any], scan: Mapping[str, float]
    ) -> dict[str, Point]:
        found = {}
        for quantity, table in tables.items():
            here = (*path, quantity)
            point = self._model(Point, here, table)
            if point is not None:
                found[quantity] = point
                self._flaws(here, point_flaws(quantity, point, scan))
            else:
                self._flaws(here, name_flaws(quantity))
        return found
