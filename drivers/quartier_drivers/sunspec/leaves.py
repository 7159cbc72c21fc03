"""The places of a model's points on a device: groups unfolded as its length and counts state.  Pure.

No answer of a device makes it run on: a repetition takes at least one register of the model's length.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from quartier_drivers.sunspec.models import FILL, HEAD_WORDS, Entry, Group, Model

Count = Callable[[int], int | None]
"""Returns the content of a register of the model, counted from its ID; None if unknown."""
_NOT_THERE = 0xFFFF


@dataclass(frozen=True, slots=True)
class Leaf:
    """One point: ``offset`` counts registers from the model's ID.

    Its power of ten is ``power``, or is in the register ``scale_offset``.
    """

    path: str
    entry: Entry
    offset: int
    scale_offset: int | None = None
    power: int = 0


@dataclass(slots=True)
class Unfolded:
    """The points of a model in the order of their registers, and its deviations from the definition."""

    leaves: list[Leaf] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _by_path: dict[str, Leaf] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Leaf]:
        return iter(self.leaves)

    def of(self, path: str) -> Leaf | None:
        """Return the point of this path."""
        if len(self._by_path) < len(self.leaves):
            self._by_path = {leaf.path: leaf for leaf in self.leaves}
        return self._by_path.get(path)


def unfold(model: Model, length: int, count: Count) -> Unfolded:
    """Return the points of ``model`` on a device that states ``length`` for it."""
    unfolding = _Unfolding(HEAD_WORDS + length, count)
    end = unfolding.place(model.group, 0, "", {})
    told = unfolding.told
    if end < unfolding.limit:
        told.faults.append(f"has {unfolding.limit - end} registers more than its definition")
    elif unfolding.cut:
        told.faults.append(f"is shorter than its definition: {unfolding.cut} and what follows is missing")
    return told


class _Unfolding:
    def __init__(self, limit: int, count: Count) -> None:
        self.limit = limit
        self.told = Unfolded()
        self.cut = ""
        self._count = count

    def place(self, group: Group, offset: int, path: str, names: Mapping[str, int]) -> int:
        """Place one occurrence of a group; return its end, at most ``limit``."""
        here = dict(names)
        at = offset
        for entry in group.entries:
            here[entry.name] = at
            at += entry.size
        at = offset
        for entry in group.entries:
            if at + entry.size > self.limit:
                self.cut = self.cut or f"{path}{entry.name}"
                return self.limit
            self.told.leaves.append(_leaf(entry, at, path, here))
            at += entry.size
        for inner in group.groups:
            at = self._repeated(inner, at, path, here)
        return at

    def _repeated(self, group: Group, offset: int, path: str, names: Mapping[str, int]) -> int:
        if group.count is None:
            return self.place(group, offset, f"{path}{group.name}.", names)
        at = offset
        for number in range(1, self._times(group, offset, path, names) + 1):
            before = at
            at = self.place(group, at, f"{path}{group.name}[{number}].", names)
            if at in (before, self.limit):
                break
        return at

    def _times(self, group: Group, offset: int, path: str, names: Mapping[str, int]) -> int:
        room = self.limit - offset
        if isinstance(group.count, int) and group.count != FILL:
            return group.count
        if isinstance(group.count, str):
            told = self._count(names[group.count]) if group.count in names else None
            if told is not None and told != _NOT_THERE:
                return told
            self.told.faults.append(f"does not tell {group.count}: {path}{group.name} counted by its length")
        size = max(1, _size(group))
        if room % size:
            self.told.faults.append(f"{path}{group.name}: {room % size} registers are left over")
        return room // size


def _size(group: Group) -> int:
    """Return the registers of one occurrence without the repeated groups in it."""
    return group.size + sum(_size(inner) for inner in group.groups if inner.count is None)


def _leaf(entry: Entry, offset: int, path: str, names: Mapping[str, int]) -> Leaf:
    if isinstance(entry.scale, int):
        return Leaf(f"{path}{entry.name}", entry, offset, None, entry.scale)
    scale = names.get(entry.scale) if entry.scale is not None else None
    return Leaf(f"{path}{entry.name}", entry, offset, scale)
