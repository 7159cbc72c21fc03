"""Profiles of OPC UA devices, and the check for contradictions in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from quartier_drivers.device_profile.fallback_rules import LIMIT_PREFIX
from quartier_drivers.device_profile.profile_check import Profile, ProfileCheck
from quartier_drivers.device_profile.rules import ProfileFault, check_quantity, check_quantity_name
from quartier_drivers.device_profile.schema import WRITES_PER_DAY, ProfileHead
from quartier_drivers.opcua.node_types import NodeName
from quartier_drivers.opcua.schema import NodeWrite, OpcuaIdentity, OpcuaLimits, OpcuaPoint, Watchdog
from quartier_drivers.points import parse_quantity

_DAY_S = 86_400


def check_opcua_point(quantity: str, point: OpcuaPoint, scan: Mapping[str, float]) -> list[ProfileFault]:
    """Return the faults of a point whose keys are each well-formed."""
    flaws = [] if check_quantity_name(quantity) else _check_reading(quantity, point)
    flaws += check_quantity(quantity, point, scan)
    if point.write is not None:
        flaws += [
            (f"write.{key}".rstrip("."), what) for key, what in _check_writing(quantity, point, point.write)
        ]
    return flaws


def _check_reading(quantity: str, point: OpcuaPoint) -> list[ProfileFault]:
    is_text = parse_quantity(quantity).kind == "text"
    scaled = (point.scale, point.offset, point.sign) != (1.0, 0.0, 1)
    return _list_broken(
        (
            point.bit is not None and point.values is not None,
            "values",
            "cannot be combined with bit, which is 0 or 1",
        ),
        (point.bit is not None and is_text, "bit", "does not fit a text"),
        (is_text and scaled, "scale", "does not fit a text"),
        (
            point.deadband > 0 and parse_quantity(quantity).kind != "float",
            "deadband",
            f"does not fit {quantity}, of which each change counts",
        ),
    )


def _check_writing(quantity: str, point: OpcuaPoint, write: NodeWrite) -> list[ProfileFault]:
    release, away = write.on_release, write.node is not None
    return _list_broken(
        (parse_quantity(quantity).kind == "text", "", "does not fit a text"),
        (
            point.bit is not None and not away,
            "node",
            "is missing: one bit of a value cannot be written alone",
        ),
        (write.low > write.high, "low", f"{write.low:g} is above high = {write.high:g}"),
        (
            isinstance(release, float) and not write.low <= release <= write.high,
            "on_release",
            f"{release} is outside {write.low:g}..{write.high:g}",
        ),
        (release == "own" and write.own is None, "own", 'is missing; on_release = "own" needs it'),
        (
            write.writes_per_day is not None and not write.persistent,
            "writes_per_day",
            "fits persistent points only; expected persistent = true as well",
        ),
        *(
            (broken, f"fallback.{key}", what)
            for broken, key, what in (
                () if write.fallback is None else _make_timeout_rules(quantity, write, write.fallback)
            )
        ),
    )


def _make_timeout_rules(quantity: str, write: NodeWrite, fallback: Watchdog) -> list[tuple[bool, str, str]]:
    """Return the rules for a device that forgets an order, as in ``fallback_rules``."""
    value, after_s, refresh_s = fallback.value, fallback.after_s, fallback.refresh_s
    number = value if isinstance(value, float) else None
    lifts = LIMIT_PREFIX in quantity and (number is None or number >= write.high)
    wears = write.persistent and _DAY_S / (refresh_s or after_s / 3) > (
        write.writes_per_day or WRITES_PER_DAY
    )
    return [
        (lifts, "value", f"{value!r} lifts the cap after {after_s:g} s; expected less"),
        (
            quantity.endswith("_on") and number not in (None, 0.0, 1.0),
            "value",
            f"{value} is neither on nor off; expected 0 or 1",
        ),
        (
            refresh_s is not None and 2 * refresh_s > after_s,
            "refresh_s",
            f"{refresh_s} is too slow: one lost write would let it act; expected at most {after_s / 2:g}",
        ),
        (wears, "after_s", "asks for more writes a day than a persistent point bears"),
    ]


def _list_broken(*rules: tuple[bool, str, str]) -> list[ProfileFault]:
    return [(key, what) for broken, key, what in rules if broken]


@dataclass(frozen=True, slots=True)
class OpcuaProfile(Profile):
    """The profile of a part of a server's address space."""

    parts: Mapping[str, Mapping[str, OpcuaPoint]]
    limits: OpcuaLimits
    identity: Mapping[str, NodeName]

    @property
    def is_recognisable(self) -> bool:
        """Return whether it names nodes that identify the device."""
        return bool(self.identity)

    def describe(self) -> Iterator[tuple[str, str]]:
        """Yield the limits of a request."""
        yield "a read", f"at most {self.limits.nodes_max} nodes"
        if self.limits.no_fallback is not None:
            yield "no fallback", self.limits.no_fallback


class OpcuaCheck(ProfileCheck):
    """The check of profiles that name nodes."""

    sections = ("profile", "limits", "scan", "identity", "points", "parts")

    def _check_tables(
        self, name: str, head: ProfileHead | None, scan: Mapping[str, float], data: Mapping[str, Any]
    ) -> Profile | None:
        limits = self._model(OpcuaLimits, ("limits",), data.get("limits", {}))
        identity = self._model(OpcuaIdentity, ("identity",), data.get("identity", {}))
        parts = self._quantities(data, scan, OpcuaPoint, check_opcua_point)
        self._one_or_parts(parts)
        if head is None or limits is None or identity is None:
            return None
        if head.numbers_from is not None:
            self._add(("profile", "numbers_from"), "does not fit opcua, which has no registers")
        return OpcuaProfile(name, head, scan, parts, limits, identity.nodes)
