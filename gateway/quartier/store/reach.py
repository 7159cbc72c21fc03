"""How far each part of the tail reaches: what says when a chunk's row holds all of it and it may go."""

from collections.abc import Iterable, Mapping

from quartier.store.chunks import Chunk, Part

Lasts = dict[tuple[int, str], int]
"""The last sequence per (boot, stream)."""


def lasts(parts: Iterable[Part]) -> Lasts:
    """Of samples of chunks."""
    return {(chunk.boot, chunk.stream): chunk.first + stop - 1 for chunk, _, stop in parts}


def covered(of_tail: Mapping[tuple[int, str], int], sealed: Mapping[tuple[int, str], int]) -> bool:
    """Whether all of a tail stands in sealed chunks."""
    return all(sealed.get(key, 0) >= last for key, last in of_tail.items())


class Reach:
    """That of each file of the log.

    A commit adds to it and nobody asks before chunks are sealed, so what was added last is worked out then.
    """

    def __init__(self) -> None:
        self._files: dict[int, Lasts] = {}
        self._added: dict[Chunk, int] = {}  # to the newest file: up to which sample of each chunk
        self._newest = 0

    def begin(self, files: dict[int, Lasts]) -> None:
        """What the files hold that are there; what is added now goes into a new one."""
        self._files = files
        self._added.clear()

    def add(self, number: int, parts: Iterable[Part]) -> None:
        """These samples now stand in that file, the newest."""
        if number != self._newest:
            self.files()
            self._newest = number
        added = self._added
        for chunk, _, stop in parts:
            added[chunk] = stop

    def files(self) -> Mapping[int, Lasts]:
        """Each file's, by its number."""
        if self._added:
            parts = ((chunk, 0, stop) for chunk, stop in self._added.items())
            self._files.setdefault(self._newest, {}).update(lasts(parts))
            self._added.clear()
        return self._files

    def forget(self, number: int) -> None:
        """The file is gone."""
        del self._files[number]
