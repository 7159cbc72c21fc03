"""Our own papers: certificates, password and key list, taken in when they change, watched until they end."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from quartier.district.broker import Credentials
from quartier.district.effects import Note
from quartier.district.expiry import Expiries, Paper, of_keys
from quartier.district.issuers import KeyList
from quartier.district.keyring import Keyring, Rollback
from quartier.district.line import HouseClock, Teller
from quartier_drivers.errors import ConfigError

KEYS = "keys"
EXPIRIES = "expiries"
# Real seconds between two looks at the files; ends are looked at each hour of them.
_WATCH_S = 15.0
_LOOKS = 240

Keep = Callable[[str, dict[str, Any]], Awaitable[bool]]


class Papers:
    """Reads what the site file names.

    ``renew`` is called when new credentials can be used; ``use`` with the keyring whenever its list changed.
    ``name`` is what our certificate is to be called.
    """

    def __init__(
        self,
        credentials: Credentials,
        issuers_file: Path | None,
        keyring: Keyring,
        expiries: Expiries,
        clock: HouseClock,
        tell: Teller,
        keep: Keep,
        renew: Callable[[], None],
        use: Callable[[Keyring], None],
        name: str = "",
    ) -> None:
        self.keyring = keyring
        self._credentials = credentials
        self._issuers_file = issuers_file
        self._expiries = expiries
        self._clock = clock
        self._tell = tell
        self._keep = keep
        self._renew = renew
        self._use = use
        self._name = name
        self._stamps: dict[Path, object] = {}
        self._one_list, self._one_look = asyncio.Lock(), asyncio.Lock()

    @property
    def expiring(self) -> Mapping[str, str]:
        """What ends within seven days and has no successor, as it was seen last."""
        return self._expiries.soon

    async def begin(self) -> None:
        """Read everything for the first time."""
        self._use(self.keyring)
        self._stamps = await asyncio.to_thread(_stat, self._files())  # first: what changes now is read again
        await self._read_issuers(first=True)
        await self._look_at_name()

    async def watch(self) -> None:
        """Look at the files for ever: new keys count at once, new credentials by a new connection."""
        looks = 0
        while True:
            if looks % _LOOKS == 0:
                await self.look_ahead()
            looks += 1
            await asyncio.sleep(_WATCH_S)
            await self.reread()

    async def reread(self) -> None:
        """Look at our files now."""
        async with self._one_look:
            await self._reread()

    async def _reread(self) -> None:
        before = self._stamps
        stamps = await asyncio.to_thread(_stat, self._files())
        changed = {path for path in stamps if stamps[path] != before.get(path)}
        if not changed:
            return
        self._stamps = stamps
        if self._issuers_file in changed:
            await self._read_issuers()
        if changed & set(self._credentials.files) and await self._usable():
            await self._look_at_name()
            self._renew()
        await self.look_ahead()

    async def take_list(self, text: str, file: str, source: str) -> bool:
        """Use a key list from now on; False if it cannot be kept, then the last one counts.

        Raises ``issuers.Unsigned``, ``keyring.Rollback`` or ConfigError.
        """
        async with self._one_list:  # between weighing and taking in no other one may come
            found = await asyncio.to_thread(self.keyring.weighed, text, file, signed=source == "job")
            return True if found is None else await self._adopt(found, text, source)

    async def _adopt(self, found: KeyList, text: str, source: str) -> bool:
        facts = {"seq": found.seq, "list": text.strip(), "source": source}
        if found.seq is not None and not await self._keep(KEYS, facts):
            return False
        before = self.keyring.issuers.keys()
        self.keyring.take(found, text, source)
        self._use(self.keyring)
        data = {"source": source, "seq": found.seq, "keys": sorted(found.issuers)}
        gone, new = before - found.issuers.keys(), found.issuers.keys() - before
        words = [f"{word} {', '.join(sorted(kids))}" for word, kids in (("new", new), ("gone", gone)) if kids]
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
        except Rollback as error:
            if not first:  # after a job brought a newer one, the file is old at every start
                self._refuse(error)
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> None:
        text = f"the key list cannot be used, the last one counts: {error}"
        self._tell(Note("district.issuers_faulty", text, alarm=True))

    async def _usable(self) -> bool:
        try:
            await asyncio.to_thread(self._credentials.context)
        except OSError as error:
            text = f"new certificates cannot be used, the connection stays: {error}"
            self._tell(Note("district.credentials_faulty", text, alarm=True))
            return False
        return True

    async def look_ahead(self) -> None:
        """Tell what ends soon; without a trusted clock nothing is known of that."""
        now = self._clock.now()
        if not now.synced:
            return
        held = await asyncio.to_thread(lambda: list(self._held()))
        notes = self._expiries.due([*held, *of_keys(self.keyring.issuers)], now.utc_ms)
        for note in notes:
            self._tell(note)
        if notes:
            await self._keep(EXPIRIES, self._expiries.facts())

    async def _look_at_name(self) -> None:
        """Say where our certificate is somebody else's: a broker may know us by it, and let us do nothing."""
        path = self._credentials.cert_file
        if path is None or not self._name:
            return
        found = await asyncio.to_thread(_subject, path)
        if found is not None and found != self._name:
            text = f"our certificate is that of {found!r}; expected the common name {self._name!r}"
            self._tell(Note("district.certificate_name", text, {"found": found}))

    def _held(self) -> Iterator[Paper]:
        """The certificates in our files; what cannot be read is told when it is used."""
        files = ((self._credentials.cert_file, "certificate"), (self._credentials.ca_file, "authority"))
        for path, what in files:
            if path is not None:
                from quartier.district import certificates  # noqa: PLC0415 - only where there are some

                with suppress(OSError, ValueError):
                    yield from certificates.papers(path.read_bytes(), what)

    def _files(self) -> tuple[Path, ...]:
        return (*self._credentials.files, *((self._issuers_file,) if self._issuers_file else ()))


def _stat(paths: Iterable[Path]) -> dict[Path, object]:
    """What shows that a file was replaced; absent files have no stamp."""
    stamps: dict[Path, object] = {}
    for path in paths:
        with suppress(OSError):
            found = path.stat()
            stamps[path] = (found.st_mtime_ns, found.st_size, found.st_ino)
    return stamps


def _subject(path: Path) -> str | None:
    """Whose certificate lies there; None where none can be read, which is told when it is used."""
    from quartier.district import certificates  # noqa: PLC0415 - only where there are some

    with suppress(OSError, ValueError):
        return certificates.subject(path.read_bytes())
    return None
