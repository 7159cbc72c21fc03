"""Compare the words sent with the words received: every sound one must arrive, in order (pure)."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

_SKIPPED_MAX = 3
"""Sound words that may be missing in a row before what is heard counts as never said."""


@dataclass(slots=True)
class WordCounts:
    """Counts of the words sent.

    ``sound`` passed the line whole; of these, ``lost`` were not received.  ``hit`` were damaged; of these,
    ``mended`` were received as sent all the same (the damage was outside their text).  ``forged`` were
    received but never sent: a weak check lets them through.
    """

    sound: int = 0
    hit: int = 0
    lost: int = 0
    recovered: int = 0
    misread: int = 0


class WordLedger:
    """Ledger of words sent and words received, both in order; a word is any object with equality."""

    def __init__(self) -> None:
        self.counts = WordCounts()
        self._said: deque[tuple[Hashable, bool]] = deque()

    @property
    def waiting_count(self) -> int:
        """Number of words sent whose fate is not known yet."""
        return len(self._said)

    def say(self, words: Iterable[Hashable], *, is_sound: bool) -> None:
        """Record words sent that arrived at least in part; ``is_sound``: they passed the line whole."""
        before = len(self._said)
        self._said.extend((word, is_sound) for word in words)
        count = len(self._said) - before
        if is_sound:
            self.counts.sound += count
        else:
            self.counts.hit += count

    def record_lost(self, words: Iterable[Hashable]) -> None:
        """Record words that were sent and lost to noise: they are not expected."""
        self.counts.hit += sum(1 for _ in words)

    def hear(self, words: Iterable[Hashable]) -> None:
        """Record words that were received."""
        pending = self._said
        for word in words:
            if pending and pending[0][1] and pending[0][0] == word:
                pending.popleft()
            else:
                self._find_word(word)

    def close(self) -> WordCounts:
        """Close the ledger: sound words that are still expected count as lost."""
        self.counts.lost += sum(is_sound for _, is_sound in self._said)
        self._said.clear()
        return self.counts

    def _find_word(self, word: Hashable) -> None:
        """Find a word behind others that were hit; sound ones before it are lost.

        A sound one is found before one that was hit: meters say most words again and again.
        """
        found, skipped_count = -1, 0
        for place, (other, is_sound) in enumerate(self._said):
            if other == word and (is_sound or found < 0):
                found = place
                if is_sound:
                    break
            skipped_count += is_sound
            if skipped_count > (0 if found >= 0 else _SKIPPED_MAX):
                break
        if found < 0:
            self.counts.misread += 1
            return
        for _ in range(found):
            self.counts.lost += self._said.popleft()[1]
        self.counts.recovered += not self._said.popleft()[1]
