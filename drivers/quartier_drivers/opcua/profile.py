"""Profiles of OPC UA devices: quantities by the nodes of a server."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
        parts = self._quantities(data, scan, Point, point_flaws)
        self._one_or_parts(parts)
        if head is None or limits is None or identity is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit opcua, which has no registers")
        return OpcuaProfile(name, head, scan, parts, limits, identity.nodes)
