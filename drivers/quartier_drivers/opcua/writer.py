"""Writes of one device, each with its result looked at; the types of its nodes are asked for once."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from quartier_drivers.errors import LinkLost, NoReply, Refused
from quartier_drivers.opcua import status
from quartier_drivers.opcua.answer import Raw
from quartier_drivers.opcua.line import Line
from quartier_drivers.opcua.node import Node
from quartier_drivers.opcua.targets import Target, targets
from quartier_drivers.opcua.wanted import Wanted, fits

if TYPE_CHECKING:
    from quartier_drivers.opcua.told import Place


class Writer:
    """What is known of the nodes is forgotten with the connection."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._epoch = -1
        self._targets: dict[Place, Target] = {}

    async def look(self, wanted: Iterable[tuple[Node, int]]) -> None:
        """Ask for types and ranges of (node, type or 0).  Raises Refused, NoReply or LinkLost."""
        if self._epoch != self._line.epoch:
            self._targets.clear()
            self._epoch = self._line.epoch
        named: dict[Place, int] = {}
        missing: list[Place] = []
        for node, type_number in wanted:
            place = self._line.place(node)
            if place is not None and place not in self._targets:
                missing.append(place)
                if type_number:
                    named[place] = type_number
        if missing:
            self._targets |= await targets(self._line, missing, named)

    async def target(self, name: str, node: Node, type_number: int = 0) -> Target:
        """Return what is known of a node.  Raises Refused where it cannot be written, NoReply or LinkLost."""
        await self.look([(node, type_number)])
        place = self._line.place(node)
        if place is None:
            raise Refused(f"{name}: the server has no namespace {node.uri}")
        found = self._targets.get(place)
        if found is None:
            raise Refused(f"{name}: {node} is no variable that takes a number")
        return found

    def typed(self, wanted: Wanted) -> Wanted:
        """The same with the type of its node, where that is known."""
        place = self._line.place(wanted.node)
        found = None if place is None else self._targets.get(place)
        return (
            wanted if found is None or wanted.type_number else replace(wanted, type_number=found.type_number)
        )

    async def send(
        self, name: str, target: Target, index: int | None, raw: Raw, expires_ns: int | None = None
    ) -> None:
        """Write one node and look at the result.  Raises Refused, NoReply, LinkLost or Expired."""
        (code,) = await self._line.write([(target.place, index, target.type_number, raw)], expires_ns)
        judge(name, code)

    async def release(self, wanted: Wanted) -> None:
        """Make one write of a release table.  Raises Refused, NoReply or LinkLost."""
        target = await self.target(wanted.point, wanted.node, wanted.type_number)
        try:
            raw = fits(wanted.raw, target.type_number)
        except ValueError as error:
            raise Refused(f"{wanted.point}: {error}") from error
        await self.send(wanted.point, target, wanted.index, raw)


def judge(name: str, code: int) -> None:
    """What a write's status code means.  Raises Refused, NoReply (outcome unknown) or LinkLost."""
    if status.quality(code) == status.GOOD:
        return
    what = status.what(code)
    if what in status.GONE:
        raise LinkLost(f"{name}: {status.name(code)}")
    if what in status.UNKNOWN:
        raise NoReply(f"{name}: {status.name(code)}")
    raise Refused(f"{name}: {status.name(code)}")


async def replayed(line: Line, writes: Sequence[Wanted]) -> list[str]:
    """Make the writes of a release table; one line per write that failed.

    Those whose type is known go out together.  Raises LinkLost, or NoReply where nothing was written.
    """
    failures, left = await _together(line, writes)
    writer = Writer(line)
    if left:
        await writer.look((one.node, one.type_number) for one in left)
    for one in left:
        try:
            await writer.release(one)
        except (Refused, NoReply) as error:
            failures.append(str(error))
    return failures


async def _together(line: Line, writes: Sequence[Wanted]) -> tuple[list[str], list[Wanted]]:
    """Failures of those that were written at once, and those that are to be written one by one."""
    placed = [(one, line.place(one.node) if one.type_number else None) for one in writes]
    known = [(one, place) for one, place in placed if place is not None]
    left = [one for one, place in placed if place is None]
    failures: list[str] = []
    for at in range(0, len(known), line.write_max):
        some = known[at : at + line.write_max]
        try:
            codes = await line.write(
                [(place, one.index, one.type_number, fits(one.raw, one.type_number)) for one, place in some]
            )
        except (ValueError, Refused):  # too much for the server, or one that fits no more
            left += [one for one, _ in some]
            continue
        except NoReply as error:
            failures += [f"{one.point}: {error}" for one, _ in some]
            continue
        for (one, _), code in zip(some, codes, strict=True):
            if status.what(code) in status.OTHERWISE:
                left.append(replace(one, type_number=0))
                continue
            try:
                judge(one.point, code)
            except (Refused, NoReply) as error:
                failures.append(str(error))
    return failures, left
