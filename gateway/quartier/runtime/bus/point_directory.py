"""Find the holder of each point among many devices."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from quartier_drivers.contract import PointInfo

Holder = TypeVar("Holder")


class PointDirectory(Mapping[str, PointInfo], Generic[Holder]):
    """The points of all holders as one mapping; if two serve the same point, the later one wins.

    The points of a holder must not change.  The time to find a point grows with the number of holders of its
    owner.
    """

    __slots__ = ("_count", "_of_owner", "_served")

    def __init__(self, served: Iterable[tuple[Holder, Mapping[str, PointInfo]]]) -> None:
        self._served = tuple(served)
        self._of_owner: dict[str, list[tuple[Holder, Mapping[str, PointInfo]]]] = {}
        for holder, points in self._served:
            for owner in dict.fromkeys(point.partition(".")[0] for point in points):
                self._of_owner.setdefault(owner, []).append((holder, points))
        self._count = sum(1 for _ in self)

    def find_holder(self, point: str) -> Holder | None:
        """Return the holder that serves the point; None if there is none."""
        found = self._find_index(point)
        return None if found is None else found[0]

    def _find_index(self, point: str) -> tuple[Holder, Mapping[str, PointInfo]] | None:
        for found in reversed(self._of_owner.get(point.partition(".")[0], ())):
            if point in found[1]:
                return found
        return None

    def __getitem__(self, point: str) -> PointInfo:
        found = self._find_index(point)
        if found is None:
            raise KeyError(point)
        return found[1][point]

    def __contains__(self, point: object) -> bool:
        return isinstance(point, str) and self._find_index(point) is not None

    def __iter__(self) -> Iterator[str]:
        told: set[str] = set()  # of owners with several holders: other points cannot repeat
        for _, points in self._served:
            for point in points:
                if len(self._of_owner[point.partition(".")[0]]) > 1:
                    if point in told:
                        continue
                    told.add(point)
                yield point

    def __len__(self) -> int:
        return self._count
