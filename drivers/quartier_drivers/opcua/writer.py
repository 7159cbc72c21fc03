"""Write nodes with the type that the server requires; check each result.

The release after the end of the daemon uses this module and has little time: few imports.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua import node_types
from quartier_drivers.opcua.connection import status_codes
from quartier_drivers.opcua.connection.credentials import find_fingerprint
from quartier_drivers.opcua.connection.line import OpcuaLine
from quartier_drivers.opcua.connection.read_response import RawValue
from quartier_drivers.opcua.connection.session_types import DATA_TYPE_ATTRIBUTE, VALUE_ATTRIBUTE, NodePlace
from quartier_drivers.opcua.endpoint_choice import EndpointOffer
from quartier_drivers.opcua.node_types import (
    TYPE_NAMES,
    TYPE_NUMBERS,
    Bounds,
    NodeName,
    fit_type,
    parse_node,
)

_STEPS_MAX = 8


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """A node in this connection: its place, the number of its built-in type, its EURange (raw) if any."""

    place: NodePlace
    type_number: int
    eu_range: Bounds | None


async def find_targets(
    line: OpcuaLine, places: Sequence[NodePlace], types: Mapping[NodePlace, int]
) -> dict[NodePlace, WriteTarget]:
    """Return type and range of each place; ``types`` are those that the profile names.

    A place that is no variable of a writable type is left out.  Raises Refused, NoReply or LinkLost.
    """
    asked = list(dict.fromkeys(places))
    numbers = dict(types)
    unnamed = [place for place in asked if place not in numbers]
    if unnamed:
        data_types = await line.objects(unnamed, DATA_TYPE_ATTRIBUTE)
        for place, data_type in zip(unnamed, data_types, strict=True):
            number = None if data_type is None else await _find_built_in(line, place, data_type)
            if number is not None:
                numbers[place] = number
    ranges = await _find_ranges(line, [place for place in asked if place in numbers])
    return {
        place: WriteTarget(place, numbers[place], ranges.get(place)) for place in asked if place in numbers
    }


async def _find_built_in(line: OpcuaLine, place: NodePlace, data_type: Any) -> int | None:
    """Return the built-in type of a data type: itself, or the one that it is a subtype of."""
    at = (int(data_type.NamespaceIndex), data_type.Identifier)
    for _ in range(_STEPS_MAX):
        namespace, identifier = at
        if namespace == 0 and isinstance(identifier, int):
            if identifier in node_types.BASE_TYPES:
                return node_types.BASE_TYPES[identifier]
            if identifier in node_types.TYPE_NAMES:
                return identifier
            if identifier in node_types.ABSTRACT_TYPES:
                return await _find_value_type(line, place)
        above = await line.parent_types(at)
        if not above:
            return None
        at = above[0]
    return None


async def _find_value_type(line: OpcuaLine, place: NodePlace) -> int | None:
    found = await line.read(line.prepare_read([(place, VALUE_ATTRIBUTE, None)], 0.0), 1)
    kind = found.values[0].kind
    return kind if kind in node_types.TYPE_NAMES else None


async def _find_ranges(line: OpcuaLine, places: Sequence[NodePlace]) -> dict[NodePlace, Bounds]:
    """Return the EURange of each analog item (OPC 10000-8, 5.3.2)."""
    if not places:
        return {}
    properties = await line.properties(places, "EURange")
    having = [(place, at) for place, at in zip(places, properties, strict=True) if at is not None]
    if not having:
        return {}
    found = await line.objects([at for _, at in having], VALUE_ATTRIBUTE)
    return {
        place: (float(one.Low), float(one.High))
        for (place, _), one in zip(having, found, strict=True)
        if hasattr(one, "Low") and hasattr(one, "High")
    }


@dataclass(frozen=True, slots=True)
class PlannedWrite:
    """A write before its node's type is known; ``raw`` is unscaled, ``type_number`` 0 is the node's own."""

    point: str
    node: NodeName
    index: int | None
    raw: float
    type_number: int = 0


def fit_raw(raw: float, type_number: int) -> RawValue:
    """Return an unscaled number as a value of the type.  Raises ValueError."""
    number = Fraction(raw)
    return fit_type(number, type_number, number - 1, number + 1)


def dump_write(wanted: PlannedWrite, offer: EndpointOffer | None = None) -> Mapping[str, Any]:
    """Return a write as JSON data of ``release.json``; ``offer`` is the endpoint that was used last."""
    offer_data = (
        {} if offer is None else {"offer": [offer.policy, offer.mode, find_fingerprint(offer.certificate)]}
    )
    return {
        "point": wanted.point,
        "node": str(wanted.node),
        "index": wanted.index,
        "raw": wanted.raw,
        "type": TYPE_NAMES.get(wanted.type_number, ""),
        **offer_data,
    }


def restore_write(write: Mapping[str, Any]) -> PlannedWrite:
    """Return the write that ``dump_write`` encoded.  Raises ValueError or KeyError."""
    kind = write["type"]
    return PlannedWrite(
        write["point"],
        parse_node(write["node"]),
        write["index"],
        write["raw"],
        TYPE_NUMBERS[kind] if kind else 0,
    )


class NodeWriter:
    """Writes nodes; their types and ranges are forgotten with the connection."""

    def __init__(self, line: OpcuaLine) -> None:
        self._line = line
        self._epoch = -1
        self._targets: dict[NodePlace, WriteTarget] = {}

    async def look(self, wanted: Iterable[tuple[NodeName, int]]) -> None:
        """Read types and ranges of (node, type or 0).  Raises Refused, NoReply or LinkLost."""
        if self._epoch != self._line.epoch:
            self._targets.clear()
            self._epoch = self._line.epoch
        named: dict[NodePlace, int] = {}
        missing: list[NodePlace] = []
        for node, type_number in wanted:
            place = self._line.place(node)
            if place is not None and place not in self._targets:
                missing.append(place)
                if type_number:
                    named[place] = type_number
        if missing:
            self._targets |= await find_targets(self._line, missing, named)

    async def target(self, name: str, node: NodeName, type_number: int = 0) -> WriteTarget:
        """Return the target of a node.  Raises Refused if it cannot be written, NoReply or LinkLost."""
        await self.look([(node, type_number)])
        place = self._line.place(node)
        if place is None:
            raise Refused(f"{name}: the server has no namespace {node.uri}")
        found = self._targets.get(place)
        if found is None:
            raise Refused(f"{name}: {node} is no variable that takes a number")
        return found

    def add_type(self, wanted: PlannedWrite) -> PlannedWrite:
        """Return the same write with the type of its node, if that is known."""
        place = self._line.place(wanted.node)
        found = None if place is None else self._targets.get(place)
        return (
            wanted if found is None or wanted.type_number else replace(wanted, type_number=found.type_number)
        )

    async def send(
        self, name: str, target: WriteTarget, index: int | None, raw: RawValue, expires_ns: int | None = None
    ) -> None:
        """Write one node and check the result.  Raises Refused, NoReply, LinkLost or Expired."""
        (code,) = await self._line.write([(target.place, index, target.type_number, raw)], expires_ns)
        check_status(name, code)

    async def release(self, wanted: PlannedWrite) -> None:
        """Make one write of a release table.  Raises Refused, NoReply or LinkLost."""
        target = await self.target(wanted.point, wanted.node, wanted.type_number)
        try:
            raw = fit_raw(wanted.raw, target.type_number)
        except ValueError as error:
            raise Refused(f"{wanted.point}: {error}") from error
        await self.send(wanted.point, target, wanted.index, raw)


def check_status(name: str, code: int) -> None:
    """Check the status code of a write.  Raises Refused, NoReply (outcome unknown) or LinkLost."""
    if status_codes.find_quality(code) == status_codes.GOOD_PLACE:
        return
    what = status_codes.strip_info_bits(code)
    if what in status_codes.GONE_CODES:
        raise LinkLost(f"{name}: {status_codes.render_status(code)}")
    if what in status_codes.UNKNOWN_NODE_CODES:
        raise NoReply(f"{name}: {status_codes.render_status(code)}")
    raise Refused(f"{name}: {status_codes.render_status(code)}")


async def make_writes(line: OpcuaLine, writes: Sequence[PlannedWrite]) -> list[str]:
    """Make the writes of a release table; return one line of text per failed write.

    Writes of known type are sent together.  Raises LinkLost, or NoReply if nothing was written.
    """
    failures, left = await _write_together(line, writes)
    writer = NodeWriter(line)
    if left:
        await writer.look((one.node, one.type_number) for one in left)
    for one in left:
        try:
            await writer.release(one)
        except (Refused, NoReply) as error:
            failures.append(str(error))
    return failures


async def _write_together(
    line: OpcuaLine, writes: Sequence[PlannedWrite]
) -> tuple[list[str], list[PlannedWrite]]:
    """Make all writes of known type; return the failures, and the writes to be made one by one."""
    placed = [(one, line.place(one.node) if one.type_number else None) for one in writes]
    known = [(one, place) for one, place in placed if place is not None]
    left = [one for one, place in placed if place is None]
    failures: list[str] = []
    for at in range(0, len(known), line.write_max):
        some = known[at : at + line.write_max]
        try:
            codes = await line.write(
                [
                    (place, one.index, one.type_number, fit_raw(one.raw, one.type_number))
                    for one, place in some
                ]
            )
        except (ValueError, Refused):  # too many for the server, or one that no longer fits
            left += [one for one, _ in some]
            continue
        except NoReply as error:
            failures += [f"{one.point}: {error}" for one, _ in some]
            continue
        for (one, _), code in zip(some, codes, strict=True):
            if status_codes.strip_info_bits(code) in status_codes.OTHER_MODE_CODES:
                left.append(replace(one, type_number=0))
                continue
            try:
                check_status(one.point, code)
            except (Refused, NoReply) as error:
                failures.append(str(error))
    return failures, left
