"""Finds TIC groups that may be halves of two lines, by the order of labels in the frame before.  Pure.

A port that loses bytes joins the beginning of one line to the end of a later one.  One in 64 of these has a
valid checksum, and if the widths are equal its value belongs to another label.  But then the lines between
are missing, and nothing was refused that could have been one of them.
"""

from itertools import pairwise

from quartier_drivers.meter.telegram import Group, Telegram

_SHORT = ("ADIR1", "ADIR2", "ADIR3")
"""Labels of the short frames of an over-current, which omit most others."""


class LineOrder:
    """Labels in order, and values, of a meter's last complete frame without a refused group."""

    def __init__(self) -> None:
        self._meter = ""
        self._before: tuple[Group, ...] = ()

    def checked(self, telegram: Telegram) -> Telegram:
        """Return the telegram without groups that may be halves of two lines; an unchanged group stays."""
        groups, before = telegram.groups, self._before
        if len(groups) == len(before) and all(
            one is other or one.label == other.label for one, other in zip(groups, before, strict=True)
        ):
            self._before = groups if telegram.is_whole else before
            return telegram
        return self._compared(telegram, [group.label for group in groups])

    def _compared(self, telegram: Telegram, labels: list[str]) -> Telegram:
        stated = set(labels)
        if stated.intersection(_SHORT):
            return telegram
        if telegram.meter and telegram.meter != self._meter:  # another one, whose frames look otherwise
            self._meter, self._before = telegram.meter, ()
        doubtful = set() if telegram.bad_count else self._doubtful(labels, stated)
        said = {group.label: group for group in self._before}
        kept = tuple(
            one for one in telegram.groups if one.label not in doubtful or said.get(one.label) == one
        )
        if telegram.is_whole and not telegram.bad_count:
            self._before = telegram.groups
        if len(kept) == len(telegram.groups):
            return telegram
        bad_count = telegram.bad_count + len(telegram.groups) - len(kept)
        return Telegram(telegram.meter, kept, bad_count, is_whole=False)

    def _doubtful(self, labels: list[str], stated: set[str]) -> set[str]:
        """Return labels followed by another label than before, if the expected one is missing."""
        known = [group.label for group in self._before]
        follows = dict(pairwise([*known, ""]))
        found = set()
        for label, follower in pairwise([*labels, ""]):
            expected = follows.get(label, "")
            if expected and expected != follower and expected not in stated:
                # A label that was never stated is itself the result of two joined lines.
                found.add(follower if follower and follower not in follows else label)
        return found
