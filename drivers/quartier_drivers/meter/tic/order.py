"""Lines that vanished between two halves of others: the checksum may miss it, the order shows it.  Pure.

A port that loses bytes joins the begin of one line to the end of a later one.  One in 64 of these has a
checksum that fits, and where the widths are alike its value is another label's.  But then the lines between
are missing, and nothing was refused that could have been one of them.
"""

from quartier_drivers.meter.telegram import Group, Telegram

_SHORT = ("ADIR1", "ADIR2", "ADIR3")
"""Labels of the short frames of an over-current, which leave out most others."""
_LABELS_MAX = 256


class Order:
    """Knows which label followed which in the last whole frames of a meter, and what each said."""

    def __init__(self) -> None:
        self._meter = ""
        self._next: dict[str, str] = {}
        self._said: dict[str, Group] = {}

    def checked(self, telegram: Telegram) -> Telegram:
        """The telegram without groups that may be halves of two lines; one that says the same again stays."""
        labels = [group.label for group in telegram.groups]
        stated = set(labels)
        if stated.intersection(_SHORT):
            return telegram
        if telegram.meter and telegram.meter != self._meter:  # another one, whose frames look otherwise
            self._meter = telegram.meter
            self._next.clear()
            self._said.clear()
        doubtful = set() if telegram.bad_count else self._doubtful(labels, stated)
        kept = tuple(
            group
            for group in telegram.groups
            if group.label not in doubtful or self._said.get(group.label) == group
        )
        if telegram.is_whole:
            self._learn(telegram, labels)
        if len(kept) == len(telegram.groups):
            return telegram
        bad_count = telegram.bad_count + len(telegram.groups) - len(kept)
        return Telegram(telegram.meter, kept, bad_count, is_whole=False)

    def _doubtful(self, labels: list[str], stated: set[str]) -> set[str]:
        """Labels behind which one is missing that stood there before."""
        found = set()
        for label, follower in zip(labels, [*labels[1:], ""], strict=True):
            expected = self._next.get(label, "")
            if expected and expected != follower and expected not in stated:
                # A label that was never stated is itself what two lines became.
                found.add(follower if follower and follower not in self._next else label)
        return found

    def _learn(self, telegram: Telegram, labels: list[str]) -> None:
        if len(self._next) > _LABELS_MAX:
            self._next.clear()
            self._said.clear()
        self._next.update(zip(labels, [*labels[1:], ""], strict=True))
        self._said.update(zip(labels, telegram.groups, strict=True))
