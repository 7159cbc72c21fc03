"""Errors, sorted by what the caller does next (architecture.md#errors)."""

from collections.abc import Sequence
from dataclasses import dataclass


class QuartierError(Exception):
    """The root of what Quartier raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong in a file: where, which key, what it is and what was expected."""

    file: str
    line: int | None
    key: str
    what: str
    column: int | None = None

    def __str__(self) -> str:
        """``file:line: key: what`` or ``file:line:column: key: what``, the forms that editors jump to."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        return f"{place}: {self.key}: {self.what}"


class ConfigError(QuartierError):
    """A file is wrong; carries every fault at once, never only the first."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


class WireError(QuartierError):
    """Something between us and a device; its subclasses say what to do next."""


class LinkLost(WireError):  # noqa: N818 - a state of the world, named as the house names it
    """The bus itself is gone (port unplugged, connection closed): reopen with back-off."""


class NoReply(WireError):  # noqa: N818 - as above
    """The device did not answer in time, or answered rubbish: set it aside and probe it."""


class Refused(WireError):  # noqa: N818 - as above
    """The device answered that it will not: stop asking for that point."""


class Expired(WireError):  # noqa: N818 - as above
    """The line was not free before the command expired: it was not written, a newer one may be."""
