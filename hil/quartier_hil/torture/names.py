"""A name server of one process's own: an /etc/hosts that only it sees, from which a name can vanish."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

_SEEN = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Hosts:
    """``known``: the name leads to this machine now.  Needs root, for a mount of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / "hosts"
        self._name = name
        self.known(True)

    def known(self, is_known: bool) -> None:  # noqa: FBT001 - a fact, told as it is
        """Written in place: a bound file that is replaced is no longer the one that is seen."""
        line = f"127.0.0.1 {self._name}\n" if is_known else ""
        self._file.write_text(f"127.0.0.1 localhost\n{line}")

    def argv(self, argv: Sequence[str]) -> list[str]:
        """The same command where it sees this file."""
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", _SEEN, str(self._file), *argv]


def is_possible() -> bool:
    """Return whether this machine permits it."""
    return os.geteuid() == 0 and shutil.which("unshare") is not None
