"""Which servers' certificates are trusted: files in a folder, put there by a person's word.

``trusted/FINGERPRINT.der`` and ``refused/FINGERPRINT.der``, each with a ``.json`` that says where it was
seen.  What is in neither is unknown: it is refused, kept and shown.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from quartier_drivers.opcua import certificate
from quartier_drivers.opcua.certificate import Shown

TRUSTED, REFUSED = "trusted", "refused"
# Who shows a new certificate at each connection must not fill the disk.
_REFUSED_MAX = 32
_PREFIX_MIN = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """A certificate, where it stands (``trusted`` or ``refused``) and at which URLs it was seen."""

    state: str
    shown: Shown
    urls: tuple[str, ...]


class TrustList:
    """The list in ``folder``.  Every call looks at the disk: a person may have changed it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def entries(self, state: str = "") -> list[Entry]:
        """All, or those of one ``state``; files that are no certificates are left out."""
        return [entry for one in ((state,) if state else (TRUSTED, REFUSED)) for entry in self._entries(one)]

    def is_trusted(self, der: bytes) -> bool:
        """Return whether this very certificate was accepted."""
        try:
            return (self._file(TRUSTED, certificate.fingerprint(der))).read_bytes() == der
        except OSError:
            return False

    def trusted(self, fingerprint: str) -> bytes | None:
        """The accepted certificate with this fingerprint (DER); None where there is none."""
        try:
            der = self._file(TRUSTED, Path(fingerprint).name).read_bytes()
        except OSError:
            return None
        return der if certificate.fingerprint(der) == fingerprint else None

    def known_at(self, url: str) -> tuple[str, ...]:
        """Fingerprints of the trusted certificates that were seen at ``url``."""
        return tuple(entry.shown.fingerprint for entry in self.entries(TRUSTED) if url in entry.urls)

    def refuse(self, der: bytes, url: str) -> None:
        """Keep what was refused, to be shown.  Raises OSError."""
        self._keep(REFUSED, der, url)
        self._thin()

    def seen(self, der: bytes, url: str) -> None:
        """Note where a trusted certificate was seen.  Raises OSError."""
        if url not in self._urls(TRUSTED, certificate.fingerprint(der)):
            self._keep(TRUSTED, der, url)

    def accept(self, fingerprint: str) -> None:
        """Trust what was refused until now.  Raises OSError."""
        self._move(fingerprint, REFUSED, TRUSTED)

    def remove(self, fingerprint: str) -> None:
        """Forget it: it is unknown again.  Raises OSError."""
        for state in (TRUSTED, REFUSED):
            self._file(state, fingerprint).unlink(missing_ok=True)
            self._note(state, fingerprint).unlink(missing_ok=True)

    def found(self, which: str) -> list[Entry]:
        """The entries that a fingerprint, its beginning (8 digits or more) or a URL means."""
        digits = which.replace(":", "").replace(" ", "").lower()
        return [
            entry
            for entry in self.entries()
            if which in entry.urls
            or (len(digits) >= _PREFIX_MIN and entry.shown.fingerprint.startswith(digits))
        ]

    def stamp(self) -> object:
        """Changes when something was accepted or removed."""
        try:
            return (self.folder / TRUSTED).stat().st_mtime_ns
        except OSError:
            return None

    def _entries(self, state: str) -> Iterator[Entry]:
        for file in sorted((self.folder / state).glob("*.der")):
            with suppress(OSError, ValueError):
                shown = certificate.shown(file.read_bytes())
                if shown.fingerprint == file.stem:
                    yield Entry(state, shown, self._urls(state, file.stem))

    def _urls(self, state: str, fingerprint: str) -> tuple[str, ...]:
        try:
            said = json.loads(self._note(state, fingerprint).read_text(encoding="utf-8"))["urls"]
            return tuple(str(url) for url in said)
        except (OSError, ValueError, KeyError, TypeError):
            return ()

    def _keep(self, state: str, der: bytes, url: str) -> None:
        fingerprint = certificate.fingerprint(der)
        urls = dict.fromkeys((*self._urls(state, fingerprint), url))
        folder = self.folder / state
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        _write(self._note(state, fingerprint), json.dumps({"urls": list(urls)}).encode())
        if not self._file(state, fingerprint).exists():
            _write(self._file(state, fingerprint), der)

    def _move(self, fingerprint: str, start: str, end: str) -> None:
        (self.folder / end).mkdir(mode=0o750, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            self._note(start, fingerprint).replace(self._note(end, fingerprint))
        self._file(start, fingerprint).replace(self._file(end, fingerprint))
        for path in (self._note(end, fingerprint), self._file(end, fingerprint)):
            with suppress(FileNotFoundError):
                certificate.match_owner(path)

    def _thin(self) -> None:
        files = sorted((self.folder / REFUSED).glob("*.der"), key=lambda file: file.stat().st_mtime_ns)
        for file in files[:-_REFUSED_MAX]:
            file.unlink(missing_ok=True)
            file.with_suffix(".json").unlink(missing_ok=True)

    def _file(self, state: str, fingerprint: str) -> Path:
        return self.folder / state / f"{fingerprint}.der"

    def _note(self, state: str, fingerprint: str) -> Path:
        return self.folder / state / f"{fingerprint}.json"


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(f"{path.suffix}.new")
    fresh.write_bytes(data)
    os.chmod(fresh, 0o644)  # noqa: PTH101 - certificates are public; the umask of who accepts one may be strict
    fresh.replace(path)
    certificate.match_owner(path)
