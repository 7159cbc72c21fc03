"""What stands in a server: its address space as a tree, with types and values."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from quartier_drivers.errors import NoReply, Refused
from quartier_drivers.opcua import scalars, status
from quartier_drivers.opcua.answer import Value
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.node import Node
from quartier_drivers.opcua.told import DATA_TYPE, VALUE, Child, Place

OBJECTS: Place = (0, 85)
"""Where what a server offers begins (OPC 10000-5)."""
_SERVER: Place = (0, 2253)
_ACCESS = 18
_WRITE = 0x02
_NODES_MAX = 5_000
_MORE_NAMES = {
    13: "DateTime",
    14: "Guid",
    15: "ByteString",
    17: "NodeId",
    21: "LocalizedText",
    22: "Structure",
}


@dataclass(slots=True)
class Branch:
    """A node; of a variable its value as a person reads it, its type, and whether we may write it."""

    node: str
    name: str
    kind: str
    value: str = ""
    type_name: str = ""
    writable: bool = False
    status: str = ""
    below: list["Branch"] = field(default_factory=list)

    def flat(self, path: Sequence[str] = ()) -> Iterator[tuple[str, "Branch"]]:
        """Every node from here on with its path of names."""
        here = (*path, self.name)
        yield "/".join(here), self
        for one in self.below:
            yield from one.flat(here)


async def browsed(line: Line, start: Place = OBJECTS, depth: int = 8, *, everything: bool = False) -> Branch:
    """The tree below ``start``; the server's own object is left out unless ``everything`` is wanted.

    A node that is reached on several ways stands where it is reached first.  Raises NoReply or LinkLost.
    """
    known: dict[Place, Branch] = {
        start: Branch(_named(line, start), "Objects" if start == OBJECTS else "", "Object")
    }
    rim = [start]
    for _ in range(depth):
        found: list[Place] = []
        for place in rim:
            for child in await _children(line, place):
                if child.place in known or (child.place == _SERVER and not everything):
                    continue
                known[child.place] = Branch(_named(line, child.place), child.name, child.kind)
                known[place].below.append(known[child.place])
                found.append(child.place)
                if len(known) > _NODES_MAX:
                    raise NoReply(f"more than {_NODES_MAX} nodes; begin further down with --node")
        if not found:
            break
        rim = found
    await _filled(line, {place: one for place, one in known.items() if one.kind == "Variable"})
    return known[start]


async def _children(line: Line, place: Place) -> list[Child]:
    try:
        return await line.children(place)
    except Refused:  # it may not be looked into: the others may
        return []


async def _filled(line: Line, variables: dict[Place, Branch]) -> None:
    """Values, types and access of variables, as many at a time as the server bears."""
    places = list(variables)
    for at in range(0, len(places), line.read_max):
        some = places[at : at + line.read_max]
        answer = await line.read(line.prepared([(place, VALUE, None) for place in some], 0.0), len(some))
        for place, value in zip(some, answer.values, strict=True):
            one = variables[place]
            one.value, one.type_name = _shown(value), _type(value.kind)
            one.status = "" if value.status == 0 else status.name(value.status)
    types = await line.objects(places, DATA_TYPE)
    access = await line.objects(places, _ACCESS)
    for place, data_type, may in zip(places, types, access, strict=True):
        variables[place].writable = isinstance(may, int) and bool(may & _WRITE)
        if not variables[place].type_name:
            variables[place].type_name = _type(getattr(data_type, "Identifier", 0))


def _shown(value: Value) -> str:
    if value.raw is None:
        return "" if value.kind == 0 or status.quality(value.status) == status.BAD else "…"
    return f"{value.raw:.12g}" if isinstance(value.raw, float) else str(value.raw)


def _type(kind: Any) -> str:
    return scalars.NAMES.get(kind) or _MORE_NAMES.get(kind, "") if isinstance(kind, int) else ""


def _named(line: Line, place: Place) -> str:
    index, identifier = place
    uri = line.namespaces[index] if 0 < index < len(line.namespaces) else ""
    return str(Node(uri, identifier))
