"""The list of points that one exchange reads: made once, known by its identity, shared by like devices."""

from collections.abc import Iterable, Mapping, Sequence


class Quantities:
    """The part of a layout that like devices share: quantities of an owner with their kinds and places."""

    __slots__ = ("kinds", "names", "places")

    def __init__(self, names: Iterable[str], kinds: bytes) -> None:
        self.names = tuple(names)
        self.kinds = kinds
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(self.names)}


class Layout:
    """The points that one exchange reads, in order, with their kinds (``FLOAT`` … ``TEXT``).

    Made once, known by its identity and never changed: data per point can be kept per layout. ``of`` makes a
    layout that keeps nothing per point itself: full names are made on demand.
    """

    __slots__ = ("__weakref__", "_names", "_owner", "_places", "kinds")

    def __init__(
        self, names: Sequence[str], kinds: bytes, owner: str = "", places: Mapping[str, int] | None = None
    ) -> None:
        """``names`` are full names, or quantities of ``owner``; ``places`` are those of the quantities."""
        self.kinds = kinds
        self._names = tuple(names)
        self._owner = owner
        self._places = places

    @classmethod
    def of(cls, owner: str, told: Quantities) -> "Layout":
        """Return the layout of these quantities of one owner."""
        return cls(told.names, told.kinds, owner, told.places)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def points(self) -> tuple[str, ...]:
        """The full names, in order."""
        return tuple(f"{self._owner}.{name}" for name in self._names) if self._owner else self._names

    @property
    def owners(self) -> tuple[str, ...]:
        """The owners of the points, each once."""
        if self._owner:
            return (self._owner,)
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self._names))

    def point(self, place: int) -> str:
        """Return the full name at ``place``."""
        return f"{self._owner}.{self._names[place]}" if self._owner else self._names[place]

    def place(self, point: str) -> int | None:
        """Return the place of a point, the last one if it occurs twice; None if it is not in the layout."""
        if self._owner:
            owner, _, quantity = point.partition(".")
            return self._places.get(quantity) if self._places and owner == self._owner else None
        if self._places is None:
            self._places = {name: place for place, name in enumerate(self._names)}
        return self._places.get(point)
