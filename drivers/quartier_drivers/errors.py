"""Errors, sorted by what the caller does next (architecture.md#errors)."""

import os
from collections.abc import Sequence
from dataclasses import dataclass


class QuartierError(Exception):
    """The base class of all errors that Quartier raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a file: where, which key, what is wrong and what was expected."""

    file: str
    line: int | None
    key: str
    what: str
    column: int | None = None

    def __str__(self) -> str:
        """Return ``file:line: key: what`` or ``file:line:column: key: what``, forms that editors jump to."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.key}: {self.what}"


class ConfigError(QuartierError):
    """A file is wrong; carries all faults, never only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class WireError(QuartierError):
    """Something failed between the gateway and a device; the subclass says what to do next."""


class LinkLost(WireError):  # noqa: N818 - a state of the bus, not a fault of the program
    """The bus itself is lost (port unplugged, connection closed): reopen with back-off."""


class NoReply(WireError):  # noqa: N818 - as above
    """The device did not answer in time, or its answer is invalid: set it aside and probe it."""


class Refused(WireError):  # noqa: N818 - as above
    """The device refused: stop asking for that point."""


class Expired(WireError):  # noqa: N818 - as above
    """The command expired before the line was free: it was not written; a newer one may be."""


def describe_os_error(error: BaseException) -> str:
    """Return the reason of the operating system in words, without its number and without a file's name.

    pyserial and termios put number and words into their arguments, or leave them to the error before.
    """
    for one in (error, error.__cause__, error.__context__):
        number = getattr(one, "errno", None) or next(iter(getattr(one, "args", ())), None)
        if isinstance(number, int) and number > 0:
            return os.strerror(number)
    return getattr(error, "strerror", None) or str(error)
