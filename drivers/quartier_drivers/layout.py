"""Which points one exchange tells of: made once, known by its identity, shared by like devices."""

from collections.abc import Iterable, Mapping, Sequence


class Quantities:
    """What layouts of like devices share: the quantities told of an owner, their kinds and places."""

    __slots__ = ("kinds", "names", "places")

    def __init__(self, names: Iterable[str], kinds: bytes) -> None:
        self.names = tuple(names)
        self.kinds = kinds
        self.places: Mapping[str, int] = {name: place for place, name in enumerate(self.names)}


class Layout:
    """Which points one exchange tells of, in what order and of what kind (``FLOAT`` … ``TEXT``).

    Made once and known by its identity, never changed: whoever keeps something per point keeps it per layout.
    ``of`` makes one that keeps nothing per point itself: full names are then made when they are asked for.
    """

    __slots__ = ("__weakref__", "_names", "_owner", "_places", "kinds")

    def __init__(
        self, names: Sequence[str], kinds: bytes, owner: str = "", places: Mapping[str, int] | None = None
    ) -> None:
        """``names`` are full names, or quantities of the ``owner``; ``places`` those of the quantities."""
        self.kinds = kinds
        self._names = tuple(names)
        self._owner = owner
        self._places = places

    @classmethod
    def of(cls, owner: str, told: Quantities) -> "Layout":
        """These quantities of one owner."""
        return cls(told.names, told.kinds, owner, told.places)

    def __len__(self) -> int:
        return len(self._names)

    @property
    def points(self) -> tuple[str, ...]:
        """The full names, in their order."""
        return tuple(f"{self._owner}.{name}" for name in self._names) if self._owner else self._names

    @property
    def owners(self) -> tuple[str, ...]:
        """Return whose points they are, each once."""
        if self._owner:
            return (self._owner,)
        return tuple(dict.fromkeys(name.partition(".")[0] for name in self._names))

    def point(self, place: int) -> str:
        """The full name at ``place``."""
        return f"{self._owner}.{self._names[place]}" if self._owner else self._names[place]

    def place(self, point: str) -> int | None:
        """Return where a point is told, the last place if it is twice; None where it is not."""
        if self._owner:
            owner, _, quantity = point.partition(".")
            return self._places.get(quantity) if self._places and owner == self._owner else None
        if self._places is None:
            self._places = {name: place for place, name in enumerate(self._names)}
        return self._places.get(point)
