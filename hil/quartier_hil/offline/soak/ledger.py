"""What was said against what was heard: everything sound must be there, in its order.  Pure."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

_SKIPPED_MAX = 3
"""Sound words that may be missing in a row before what is heard counts as never said."""


@dataclass(slots=True)
class Counts:
    """What became of everything that was said.

    ``sound`` went over the line whole, of it ``lost`` was not heard.  ``hit`` was damaged; ``mended`` of it
    was heard as it was said all the same (the damage lay beside the words).  ``forged`` was heard and never
    said: what a check that weak lets through.
    """

    sound: int = 0
    hit: int = 0
    lost: int = 0
    mended: int = 0
    forged: int = 0


class Ledger:
    """Takes words as they are said and as they are heard; both in order, a word being whatever is equal."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._said: deque[tuple[Hashable, bool]] = deque()

    @property
    def waiting_count(self) -> int:
        """Words that were said and of which nothing is known yet."""
        return len(self._said)

    def say(self, words: Iterable[Hashable], *, is_sound: bool) -> None:
        """These were said; whether they went over the line whole."""
        before = len(self._said)
        self._said.extend((word, is_sound) for word in words)
        count = len(self._said) - before
        if is_sound:
            self.counts.sound += count
        else:
            self.counts.hit += count

    def hear(self, words: Iterable[Hashable]) -> None:
        """These were heard."""
        said, counts = self._said, self.counts
        for word in words:
            if said and said[0][0] == word:
                counts.mended += not said.popleft()[1]
            else:
                self._seek(word)

    def close(self) -> Counts:
        """Nothing more is said or heard: what was sound and is still waited for is lost."""
        self.counts.lost += sum(is_sound for _, is_sound in self._said)
        self._said.clear()
        return self.counts

    def _seek(self, word: Hashable) -> None:
        """Find a word behind others that were hit; sound ones before it are lost."""
        skipped_count = 0
        for place, (other, is_sound) in enumerate(self._said):
            if other == word:
                for _ in range(place):
                    self.counts.lost += self._said.popleft()[1]
                self.counts.mended += not self._said.popleft()[1]
                return
            skipped_count += is_sound
            if skipped_count > _SKIPPED_MAX:
                break
        self.counts.forged += 1
