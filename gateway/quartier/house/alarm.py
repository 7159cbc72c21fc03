"""An alarm: a text for a person that knows its code and what it is about (pure)."""

from typing import Self

from quartier.house.alarmkind import Kind, Severity
from quartier.house.alarmkinds import BY_CODE

Key = tuple[str, str]
"""Which alarm it is: its code, and what it is about."""


class Alarm(str):
    """Words as a person reads them now; which alarm it is, ``key`` says: its figures may change.

    ``code`` is a row of the table of alarms, else KeyError; ``of`` the asset, device, contact, node, point or
    program that it is about, empty for the whole building.  ``cause`` is the alarm that it comes of, where
    that stands too: then it is no alarm of its own.
    """

    __slots__ = ("cause", "code", "of")

    code: str
    of: str
    cause: Key | None

    def __new__(cls, code: str, of: str, words: str, cause: Key | None = None) -> Self:
        """Join code, what it is about, words, and what it comes of."""
        made = super().__new__(cls, words)
        made.code, made.of, made.cause = BY_CODE[code].code, of, cause
        return made

    @property
    def key(self) -> Key:
        """Which alarm it is."""
        return self.code, self.of

    @property
    def severity(self) -> Severity:
        """How much it matters."""
        return BY_CODE[self.code].severity

    @property
    def remedy(self) -> str:
        """What to do, with the next command to type."""
        return remedy(BY_CODE[self.code], self.of)


def remedy(kind: Kind, of: str) -> str:
    """The remedy of a row for what it is about."""
    return kind.remedy.format(of=of, asset=of.partition(".")[0])


def named(code: str, of: str) -> str:
    """``contact.unread:dso1``: how people and scripts name one."""
    return f"{code}:{of}" if of else code
