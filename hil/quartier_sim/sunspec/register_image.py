"""The registers of a SunSpec device: a chain of models with their values, each point at its address."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from quartier_sim.sunspec import model_layout
from quartier_sim.sunspec.model_layout import Group, Point, Value

BASES = (40_000, 0, 50_000)
END = 0xFFFF
_MARK = (0x5375, 0x6E53)  # "SunS"
_COMMON = 1
_HEAD_WORDS = 2  # ID and length: what a model's length does not count

ModelValues = Mapping[str, Any]
"""Values of a group by name, without scale factors; groups below are mappings, those that repeat lists."""
ModelEntry = tuple[int, ModelValues | Sequence[int]]
"""A model's number and its values; or, for one that is in no file, its registers."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One point at its address; ``scale`` is the path of its scale factor, or a fixed power of ten."""

    path: str
    point: Point
    address: int
    scale: str | int | None

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.address + self.point.words


class RegisterImage:
    """Models in a chain from ``base`` on.

    A point's path is ``704.WSet``, ``705.Crv[0].Pt[2].V`` in groups that repeat, ``804#1.SoC`` in the second
    model of a number.  ``longer`` adds so many registers to each model behind what its file knows, as
    makers do; ``padded`` False leaves out the pad of model 1, as its first edition did; ``ends`` False
    leaves out the end of the chain.
    """

    def __init__(
        self,
        models: Iterable[ModelEntry],
        *,
        base: int = BASES[0],
        longer: int = 0,
        padded: bool = True,
        ends: bool = True,
    ) -> None:
        self.base = base
        self._longer = longer
        self._padded = padded
        self.words: dict[int, int] = dict(enumerate(_MARK, base))
        self.cells: dict[str, Cell] = {}
        self.models: list[tuple[int, int, int]] = []  # number, address of its ID, length
        self._at: dict[int, Cell] = {}
        self._next = base + len(_MARK)
        seen: dict[int, int] = {}
        for number, values in models:
            if not isinstance(values, Mapping):
                self._add_foreign(number, values)
                continue
            name = f"{number}#{seen[number]}" if number in seen else str(number)
            seen[number] = seen.get(number, 0) + 1
            self._add(name, number, values)
        if ends:
            self.words |= {self._next: END, self._next + 1: 0}

    # -- reading and changing --------------------------------------------------------------

    def get(self, path: str) -> Value | None:
        """Return the raw value of a point, without scale factor; None: not implemented.  Raises KeyError."""
        cell = self.cells[path]
        return model_layout.decode_value(
            cell.point.kind, [self.words[at] for at in range(cell.address, cell.end)]
        )

    def number(self, path: str) -> float:
        """Return the scaled value of a point; a factor that is not implemented counts as none.

        Raises KeyError for an unknown point, LookupError for one without a number.
        """
        raw = self.get(path)
        if raw is None or isinstance(raw, str):
            raise LookupError(f"{path} is no number: {raw!r}")
        power = self.power(self.cells[path])
        return float(raw) * 10.0**power if power > 0 else float(raw) / 10.0**-power

    def put(self, path: str, value: Value | None) -> None:
        """Set what a point holds, without its scale factor.  Raises KeyError, OverflowError."""
        cell = self.cells[path]
        for at, one in enumerate(
            model_layout.encode_value(cell.point.kind, value, cell.point.words), cell.address
        ):
            self.words[at] = one

    def show(self, path: str, value: float) -> None:
        """Set what a point means: rounded to its scale factor, saturating as meters do.  Raises KeyError."""
        cell = self.cells[path]
        if cell.point.kind.startswith("float"):
            self.put(path, value)
            return
        power = self.power(cell)
        low, high = model_layout.get_bounds(cell.point.kind)
        raw = round(value / 10.0**power if power > 0 else value * 10.0**-power)
        # An accumulator at its start reads 0, which is also its code for "not implemented".
        self.put(path, min(max(raw, 0 if low == 1 else low), high))

    def at(self, address: int) -> Cell | None:
        """The point that holds a register."""
        return self._at.get(address)

    def __iter__(self) -> Iterator[Cell]:
        """Every point in the order of its address."""
        return iter(self.cells.values())

    def power(self, cell: Cell) -> int:
        """The power of ten that scales a point."""
        if isinstance(cell.scale, str):
            raw = self.get(cell.scale)
            return raw if isinstance(raw, int) else 0
        return cell.scale or 0

    # -- laying out ------------------------------------------------------------------------

    def _add(self, name: str, number: int, values: ModelValues) -> None:
        group, start = model_layout.load_model(number), self._next
        if number == _COMMON and not self._padded:
            group = replace(group, points=group.points[:-1])
        known = {**{count: _count_groups(values, group, count) for count in group.counts}, **values}
        top = {point.name for point in group.points}
        self._place_group(name, group, known, (name, top), known)
        if all(below.count != 0 for below in group.groups):  # else the length says how many there are
            self.words |= dict.fromkeys(range(self._next, self._next + self._longer), 0)
            self._next += self._longer
        length = self._next - start - _HEAD_WORDS
        self.put(f"{name}.ID", number)
        self.put(f"{name}.L", length)
        self.models.append((number, start, length))

    def _add_foreign(self, number: int, registers: Sequence[int]) -> None:
        """Add a maker's own model with unknown content."""
        self.words |= dict(enumerate((number, len(registers), *registers), self._next))
        self.models.append((number, self._next, len(registers)))
        self._next += _HEAD_WORDS + len(registers)

    def _place_group(
        self, path: str, group: Group, values: ModelValues, model: tuple[str, set[str]], top: ModelValues
    ) -> None:
        names = {point.name for point in group.points}
        for point in group.points:
            where: str | int | None = point.scale
            if isinstance(where, str):
                inside = where in names
                assert inside or where in model[1], f"{path}.{point.name} has no scale factor {where}"
                where = f"{path}.{where}" if inside else f"{model[0]}.{where}"
            cell = Cell(f"{path}.{point.name}", point, self._next, where)
            self.cells[cell.path] = cell
            self._at |= dict.fromkeys(range(cell.address, cell.end), cell)
            self._next = cell.end
            self.put(cell.path, values.get(point.name))
        for below in group.groups:
            place = f"{path}.{below.name}"
            if below.count is None:
                self._place_group(place, below, values.get(below.name, {}), model, top)
                continue
            given: Sequence[ModelValues] = values.get(below.name, ())
            count = (
                len(given)
                if below.count == 0
                else top[below.count]
                if isinstance(below.count, str)
                else below.count
            )
            for index in range(count or 0):
                self._place_group(
                    f"{place}[{index}]", below, given[index] if index < len(given) else {}, model, top
                )


def _count_groups(values: ModelValues, group: Group, count: str) -> int:
    """Return the largest number of groups in ``values`` that ``count`` counts."""
    found = 0
    for below in group.groups:
        given = values.get(below.name, ())
        several = [given] if isinstance(given, Mapping) else list(given)
        if below.count == count:
            found = max(found, len(several))
        found = max([found, *(_count_groups(one, below, count) for one in several)])
    return found
