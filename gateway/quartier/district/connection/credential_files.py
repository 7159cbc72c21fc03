"""Watch certificates, password and key list; use them when they change."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from quartier.district.connection.mqtt_types import BrokerCredentials
from quartier.district.connection.reconnect import LinkServices
from quartier.district.documents.expiry_notices import ExpiryNotices, iterate_expiring_keys
from quartier.district.documents.key_list import KeyList
from quartier.district.documents.keyring import Keyring, OlderList
from quartier.district.records import ExpiringCredential, Note
from quartier_drivers.errors import ConfigError

KEYS_FILE = "keys"
EXPIRIES_FILE = "expiries"
# Real seconds between two checks of the files; expiry dates are checked once an hour.
_FILES_PERIOD_S = 15.0
_EXPIRY_EVERY_COUNT = 240


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """The credential files that the site file names.

    ``common_name`` is the one that the gateway's certificate must have; empty: any.
    """

    credentials: BrokerCredentials
    issuers_file: Path | None
    common_name: str = ""


class CredentialWatcher:
    """Reads the credential files again when they change.

    ``renew`` is called when new credentials can be used; ``use`` with the keyring whenever its list changed.
    """

    def __init__(
        self,
        files: WatchedFiles,
        keyring: Keyring,
        expiries: ExpiryNotices,
        services: LinkServices,
        renew: Callable[[], None],
        use: Callable[[Keyring], None],
    ) -> None:
        self.keyring = keyring
        self._credentials = files.credentials
        self._issuers_file = files.issuers_file
        self._expiries = expiries
        self._clock = services.clock
        self._tell = services.tell
        self._keep = services.keep
        self._renew = renew
        self._use = use
        self._name = files.common_name
        self._stamps: dict[Path, object] = {}
        self._list_lock, self._look_lock = asyncio.Lock(), asyncio.Lock()

    @property
    def expiring(self) -> Mapping[str, str]:
        """Return the credentials that expire within seven days without a successor, as last seen."""
        return self._expiries.soon

    async def begin(self) -> None:
        """Read all files for the first time."""
        self._use(self.keyring)
        self._stamps = await asyncio.to_thread(
            _find_stamps, self._list_files()
        )  # first, so that a file that changes now is read again
        await self._read_issuers(first=True)
        await self._check_name()

    async def watch(self) -> None:
        """Check the files for ever: new keys apply at once, new credentials by a new connection."""
        looks = 0
        while True:
            if looks % _EXPIRY_EVERY_COUNT == 0:
                await self.report_expiry()
            looks += 1
            await asyncio.sleep(_FILES_PERIOD_S)
            await self.reread()

    async def reread(self) -> None:
        """Check the files now."""
        async with self._look_lock:
            await self._reread()

    async def _reread(self) -> None:
        before = self._stamps
        stamps = await asyncio.to_thread(_find_stamps, self._list_files())
        changed = {path for path in stamps if stamps[path] != before.get(path)}
        if not changed:
            return
        self._stamps = stamps
        if self._issuers_file in changed:
            await self._read_issuers()
        if changed & set(self._credentials.files) and await self._is_usable():
            await self._check_name()
            self._renew()
        await self.report_expiry()

    async def take_list(self, text: str, file: str, source: str) -> bool:
        """Use a key list from now on; return False if it cannot be saved, then the last one stays in force.

        Raises ``key_list.UnsignedList``, ``keyring.OlderList``, ``keyring.SwappedKey`` or ConfigError.
        """
        async with self._list_lock:  # no other list may come between check and use
            found = await asyncio.to_thread(self.keyring.check_list, text, file, signed=source == "job")
            return True if found is None else await self._adopt(found, text, source)

    async def _adopt(self, found: KeyList, text: str, source: str) -> bool:
        facts = {"seq": found.seq, "list": text.strip(), "source": source}
        if found.seq is not None and not await self._keep(KEYS_FILE, facts):
            return False
        before = self.keyring.issuers.keys()
        self.keyring.take(found, text, source)
        self._use(self.keyring)
        data = {"source": source, "seq": found.seq, "keys": sorted(found.issuers)}
        gone, new = before - found.issuers.keys(), found.issuers.keys() - before
        words = [
            f"{word} {', '.join(sorted(key_ids))}"
            for word, key_ids in (("new", new), ("gone", gone))
            if key_ids
        ]
        text = f"key list taken in: {'; '.join(words) or 'the same keys'}"
        self._tell(Note("district.keys_taken", text, data))
        return True

    async def _read_issuers(self, *, first: bool = False) -> None:
        path = self._issuers_file
        if path is None:
            return
        try:
            text = await asyncio.to_thread(path.read_text, "utf-8")
            await self.take_list(text, path.name, "file")
        except OlderList as error:
            if not first:  # after a job brought a newer list, the file is older at every start
                self._refuse(error)
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        text = f"the key list cannot be used, the last one counts: {error}"
        self._tell(Note("district.issuers_faulty", text, alarm=True))

    async def _is_usable(self) -> bool:
        try:
            await asyncio.to_thread(self._credentials.context)
        except OSError as error:
            text = f"new certificates cannot be used, the connection stays: {error}"
            self._tell(Note("district.credentials_faulty", text, alarm=True))
            return False
        return True

    async def report_expiry(self) -> None:
        """Report what expires soon; without a trusted clock nothing is reported."""
        now = self._clock.now()
        if not now.synced:
            return
        held = await asyncio.to_thread(lambda: list(self._iterate_held()))
        notes = self._expiries.due([*held, *iterate_expiring_keys(self.keyring.issuers)], now.utc_ms)
        for note in notes:
            self._tell(note)
        if notes:
            await self._keep(EXPIRIES_FILE, self._expiries.facts())

    async def _check_name(self) -> None:
        """Report a certificate with another common name.

        A broker may identify the gateway by it and deny access.
        """
        path = self._credentials.cert_file
        if path is None or not self._name:
            return
        found = await asyncio.to_thread(_read_subject, path)
        if found is not None and found != self._name:
            text = f"our certificate is that of {found!r}; expected the common name {self._name!r}"
            self._tell(Note("district.certificate_name", text, {"found": found}))

    def _iterate_held(self) -> Iterator[ExpiringCredential]:
        """Yield the certificates in the files; unreadable files are reported when they are used."""
        files = ((self._credentials.cert_file, "certificate"), (self._credentials.ca_file, "authority"))
        for path, what in files:
            if path is not None:
                from quartier.district.documents import (  # noqa: PLC0415 - only where there are some
                    signatures,
                )

                with suppress(OSError, ValueError):
                    yield from signatures.iterate_certificates(path.read_bytes(), what)

    def _list_files(self) -> tuple[Path, ...]:
        return (*self._credentials.files, *((self._issuers_file,) if self._issuers_file else ()))


def _find_stamps(paths: Iterable[Path]) -> dict[Path, object]:
    """Return a stamp per file that changes when the file is replaced; absent files have none."""
    stamps: dict[Path, object] = {}
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            stamps[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return stamps


def _read_subject(path: Path) -> str | None:
    """Return the common name of the certificate; None if unreadable, which is reported when it is used."""
    from quartier.district.documents import signatures  # noqa: PLC0415 - only where there are some

    with suppress(OSError, ValueError):
        return signatures.find_certificate_subject(path.read_bytes())
    return None
