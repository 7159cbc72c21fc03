"""Invocation counters of senders that encrypt: each telegram counts once per sender; pure.

IEC 62056-5-3 (Green Book 9.2.7.2.2): the counter rises with each telegram while a key is in use; a telegram
whose counter does not rise was sent again.  A meter may still restart its counter, after a repair or a power
cut: it is accepted after enough telegrams in a row without a gap, or it would be silent for years.
"""

from collections import OrderedDict
from collections.abc import Hashable

SENDERS_MAX = 16
ANEW_COUNT = 16
"""This many telegrams in a row, each counted one further, show a restarted counter."""


class Rising:
    """The last counter per sender; at most ``SENDERS_MAX`` senders are remembered."""

    def __init__(self) -> None:
        self._last: OrderedDict[Hashable, int] = OrderedDict()
        self._anew: dict[Hashable, tuple[int, int]] = {}

    def take(self, sender: Hashable, counter: int) -> int | None:
        """Count a valid telegram and return None.

        For a repeated one, which does not count, the last counter.
        """
        last = self._last.get(sender)
        if last is not None and counter <= last and not self._begins_anew(sender, counter):
            return last
        self._anew.pop(sender, None)
        self._last[sender] = counter
        self._last.move_to_end(sender)
        while len(self._last) > SENDERS_MAX:
            gone, _ = self._last.popitem(last=False)
            self._anew.pop(gone, None)
        return None

    def _begins_anew(self, sender: Hashable, counter: int) -> bool:
        before, count = self._anew.get(sender, (counter, 0))
        count = count + 1 if counter == before + 1 else 1
        self._anew[sender] = counter, count
        return count >= ANEW_COUNT
