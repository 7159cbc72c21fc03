"""Pack the site file, keys, state and history of a gateway into one signed file.

The backup contains private keys, so only its owner may read it.
"""

import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from quartier.backup.archive import (
    ELSEWHERE,
    JOURNAL,
    SITE,
    SKIPPED_ENDINGS,
    STATE,
    ArchivedFile,
    Manifest,
    SignedManifest,
    UnusableBackup,
    check_archive,
    hash_file,
    open_source,
    write_archive,
)
from quartier.config import loading
from quartier.config.secret_files import CREDENTIAL_PREFIX
from quartier.config.sections.site_file import SiteFile
from quartier.runtime import signing
from quartier.runtime.owned_files import use_rights_of_owner
from quartier.store import boots, journal

PRIVATE_FOLDER, PROFILE_SUFFIX, NOTIFY_FILE = "private", ".toml", "notify.toml"
_LINK_FILE_KEYS = ("password_file", "ca_file", "cert_file", "key_file", "issuers_file")
_BUS_FILE_KEYS = ("password_file", "user_key_file", "user_cert_file")
ASIDE = ".before-"
"""Marks a file that a restore moved aside; the time in UTC milliseconds follows."""
_Source = tuple[str, str, Path]


@dataclass(frozen=True, slots=True)
class GatewayFolders:
    """The folders of a gateway on this machine."""

    config: Path
    state_dir: Path
    runtime_dir: Path

    def of(self, place: str) -> Path:
        """Return the folder of a place; ``/`` for ``elsewhere``."""
        known = {STATE: self.state_dir, JOURNAL: self.runtime_dir / "journal", SITE: self.config.parent}
        return known.get(place, Path("/"))

    def resolve(self) -> "GatewayFolders":
        """Return the same folders without symbolic links; the site file itself may be one."""
        return GatewayFolders(
            self.config.parent.resolve() / self.config.name,
            self.state_dir.resolve(),
            self.runtime_dir.resolve(),
        )


def write_backup(folders: GatewayFolders, to: Path, utc_ms: int, version: str) -> SignedManifest:
    """Write the backup, signed with the gateway's key, then read it again to verify it.

    The caller holds the daemon's lock.

    Raises ConfigError if the site file cannot be used, UnusableBackup if a file cannot be read or ``to``
    exists already, and OSError if the disk fails.
    """
    site = loading.load_site_leniently(folders.config).site
    private = _load_own_key(folders.state_dir)
    sources, left_out = _find_sources(folders, site)
    manifest = Manifest(
        gateway=f"{site.site.district}.{site.site.id}",
        made_utc_ms=utc_ms,
        version=version,
        boot=find_last_boot(folders, site.store.file(folders.state_dir)),
        site_file=folders.config.name,
        history=site.store.path,
        members=tuple(_make_member(*source) for source in sources),
        left_out=tuple(left_out),
    )
    with _open_private_file(to) as (file, beside):
        signed = write_archive(file, manifest, [source for _, _, source in sources], private)
        file.flush()
        os.fsync(file.fileno())
        check_archive(beside, signed)
        beside.replace(to)
    _sync_folder(to.absolute().parent)
    return signed


def _load_own_key(state_dir: Path) -> signing.PrivateKey:
    try:
        with use_rights_of_owner(state_dir):
            return signing.load_key(state_dir)
    except ValueError as error:
        raise UnusableBackup(f"{error}; move it away: the next backup makes another one") from error


def find_last_boot(folders: GatewayFolders, history: Path) -> int:
    """Return the largest boot number of this gateway, as far as its files show; 0 if there is none."""
    place = history.with_name(f"{history.name}.boot")
    return max(
        [
            boots.read_boot(place) or 0,
            *map(journal.find_journal_boot, journal.list_journal_files(folders.of(JOURNAL))),
        ]
    )


@contextmanager
def _open_private_file(to: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """Open a new file beside ``to`` that only its owner may read; delete it unless it became ``to``."""
    if to.exists():
        raise UnusableBackup(f"{to} already exists; give another name")
    beside = to.with_name(f"{to.name}.part")
    beside.unlink(missing_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(beside, flags, 0o600), "wb") as file:
            yield file, beside
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_member(place: str, path: str, source: Path) -> ArchivedFile:
    try:
        with open_source(place, source) as file:
            found = os.fstat(file.fileno())
            digest = hash_file(file)
    except OSError as error:
        raise UnusableBackup(f"{source}: {error.strerror}; ask with sudo") from error
    owner, group = (
        _find_account_name(pwd.getpwuid, found.st_uid),
        _find_account_name(grp.getgrgid, found.st_gid),
    )
    return ArchivedFile(place, path, found.st_size, digest, stat.S_IMODE(found.st_mode), owner, group)


def _find_account_name(look: Callable[[int], Any], number: int) -> str:
    try:
        return str(look(number)[0])
    except KeyError:
        return str(number)


# What belongs to a gateway


def _find_sources(folders: GatewayFolders, site: SiteFile) -> tuple[list[_Source], list[str]]:
    """Find place, path and file of everything that makes up a gateway, and list what is not available."""
    found: dict[Path, _Source] = {}
    here = folders.config
    for place, sources in (
        (SITE, (here,)),  # first: a restore reads in it which files belong to the gateway
        (STATE, _find_files(folders.state_dir)),
        (JOURNAL, _find_files(folders.of(JOURNAL))),
        (SITE, _find_history_files(site.store.file(folders.state_dir))),
        (SITE, _find_files(here.parent / PRIVATE_FOLDER)),
        (SITE, [one for one in (here.parent / NOTIFY_FILE,) if one.is_file()]),
        *((SITE, _find_profile_files(folder)) for folder in find_profile_folders(folders, site)),
    ):
        for source in sources:
            found.setdefault(source, _make_source(folders, place, source))
    left_out: list[str] = []
    for reference in find_referenced_files(site):
        source = Path(reference)
        if reference.startswith(CREDENTIAL_PREFIX):
            if not (here.parent / PRIVATE_FOLDER / reference.removeprefix(CREDENTIAL_PREFIX)).exists():
                left_out.append(f"{reference}: systemd has it; keep its source by yourself")
        elif not source.is_absolute():
            left_out.append(f"{reference}: is not a whole path, such as {here.parent / source}")
        elif not _is_kept(source):
            left_out.append(f"{reference}: has the name of a file that nobody reads again; rename it")
        elif source.is_file():
            found.setdefault(source.absolute(), _make_source(folders, SITE, source.absolute()))
        else:
            left_out.append(f"{reference}: is no file")
    return list(found.values()), left_out


def _make_source(folders: GatewayFolders, place: str, source: Path) -> _Source:
    base = folders.of(place)
    if not source.is_relative_to(base):
        return ELSEWHERE, str(source), source
    return place, str(source.relative_to(base)), source


def _find_history_files(history: Path) -> Iterator[Path]:
    """Find the history and its companion files, which may be on a disk of their own."""
    for source in sorted(history.parent.glob(f"{history.name}*")):
        if source.is_file() and not source.is_symlink() and _is_kept(source):
            yield source


def find_profile_folders(folders: GatewayFolders, site: SiteFile) -> tuple[Path, ...]:
    """Return the folders of the site's own profiles, without ``..``."""
    return tuple(Path(os.path.normpath(folders.config.parent / one)) for one in site.site.profiles)


def _find_profile_files(folder: Path) -> Iterator[Path]:
    """Find the profiles of a folder and their proofs: no other file of it belongs to the gateway."""
    return (source for source in _find_files(folder) if source.suffix == PROFILE_SUFFIX)


def _is_kept(source: Path) -> bool:
    return not source.name.endswith(SKIPPED_ENDINGS) and ASIDE not in source.name


def _find_files(folder: Path) -> Iterator[Path]:
    """Find the regular files below a folder, in a stable order."""
    if not folder.is_dir():
        return
    for source in sorted(folder.absolute().rglob("*")):
        if source.is_file() and not source.is_symlink() and _is_kept(source):
            yield source


def find_referenced_files(site: SiteFile) -> Iterator[str]:
    """Yield every file that the site file names: of the district link, of encrypting meters, of logins."""
    sections: list[tuple[Any, Sequence[str]]] = [(site.district_link, _LINK_FILE_KEYS)]
    sections += [(device, ("key_file",)) for device in site.devices.values()]
    sections += [(bus, _BUS_FILE_KEYS) for bus in site.buses.values()]
    for section, keys in sections:
        for key in keys:
            if (reference := getattr(section, key, None)) is not None:
                yield str(reference)
