"""What is asked of a device or a bus without a site file, and what is told of it, for any protocol."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """A bus to scan at ``url``; a protocol refuses what does not fit it with a ConfigError.

    ``units`` (None: all), ``secondary`` a mask of secondary addresses, ``instances`` the first and last of
    each range, ``at`` addresses to ask alone, ``bauds`` and ``parities`` settings of a serial line to try.
    ``folders`` hold the site's own profiles.
    """

    url: str
    folders: Sequence[Path] = ()
    units: Sequence[int] | None = None
    secondary: str | None = None
    instances: Sequence[tuple[int, int]] | None = None
    at: str | None = None
    wait_s: float = 2.0
    bauds: Sequence[int] | None = None
    parities: Sequence[str] | None = None
    is_thorough: bool = False


@dataclass(frozen=True, slots=True)
class ScanReport:
    """What a scan found: a table, ``data`` for scripts, and the lines for a site file.

    A heading that begins with ``>`` is that of a column of numbers.  ``end`` says why the scan ended early,
    or what to look at if nothing was found.
    """

    found_count: int
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]
    data: Mapping[str, Any]
    site_lines: str
    end: str = ""
    is_interrupted: bool = False


class ScanListener(Protocol):
    """Is told how far a scan has come."""

    def tell(self, step: object, begins: str, text: str) -> None:
        """Take a step: ``text``, or ``begins`` where only the beginning of each ``step`` is shown."""
        ...

    def warn(self, text: str) -> None:
        """Take what a person should know before the result."""
        ...


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """A device to read at ``url``; ``options`` are further words of the command line, such as a login."""

    url: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListedTable:
    """A table of a device; a heading that begins with ``>`` is that of a column of numbers."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class DeviceListing:
    """All that a device shows without a profile: tables, ``data`` for scripts, a ``draft`` of a profile.

    ``faults`` are what the device does wrong.  ``is_empty``: it told nothing.
    """

    tables: Sequence[ListedTable]
    data: Any
    faults: Sequence[str] = ()
    draft: str = ""
    is_empty: bool = False


def format_count(count: int, one: str) -> str:
    """``1 unit``, ``3 units``, ``1,000 units``."""
    return f"{count:,} {one}{'' if count == 1 else 's'}"
