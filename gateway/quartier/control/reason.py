"""A reason in one line that knows whose wish it tells of, so that nobody has to read it out of the words."""

from typing import Self

from quartier_drivers.who import OURS, Who


class Reason(str):
    """Words as a person reads them, ``who`` wants it so, and until when (UTC) where that is known.

    It compares as the text it is.  Text without a ``who`` is a rule of ours.
    """

    __slots__ = ("until_utc_ms", "who")

    who: Who
    until_utc_ms: int | None

    def __new__(cls, words: str, who: Who, until_utc_ms: int | None = None) -> Self:
        """Join words and who."""
        made = super().__new__(cls, words)
        made.who, made.until_utc_ms = who, until_utc_ms
        return made


def rule(words: str, name: str) -> Reason:
    """A reason of our own, by the name of its rule."""
    return Reason(words, Who("rule", name))


def grid(words: str, name: str) -> Reason:
    """What the public grid made necessary, by the row of failsafe.md section 4."""
    return Reason(words, Who("grid", name))


def who(words: str) -> Who:
    """Who is behind a reason; a rule of ours where it is plain text."""
    return words.who if isinstance(words, Reason) else OURS


def until_utc_ms(words: str) -> int | None:
    """Until when it is wanted; None where nobody said."""
    return words.until_utc_ms if isinstance(words, Reason) else None


def further(words: str, more: str) -> Reason:
    """The same with ``more`` behind it: whose it is stays."""
    return Reason(f"{words}{more}", who(words), until_utc_ms(words))
