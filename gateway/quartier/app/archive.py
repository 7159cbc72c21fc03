"""The form of a backup: a gzipped tar whose first member, ``manifest.json``, proves every other.

It names each with its place, size, SHA-256, mode and owner.
"""

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

FORMAT, MANIFEST = 1, "manifest.json"
STATE, JOURNAL, SITE, ELSEWHERE = "state", "journal", "site", "elsewhere"
PLACES = (STATE, JOURNAL, SITE, ELSEWHERE)
_LEVEL = 3  # what is large is compressed already
_SMALL_BYTES = 1 << 20
_FIELDS = ("gateway", "made_utc_ms", "version", "boot", "site_file", "history")


class Unusable(Exception):  # noqa: N818 - what a person is told
    """The file is no backup, or is damaged; or something on this machine does not let it be used."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file: ``path`` is below the folder of its place, or absolute elsewhere."""

    place: str
    path: str
    size: int
    sha256: str
    mode: int
    owner: str
    group: str

    @property
    def name(self) -> str:
        """Its name in the archive."""
        return f"{self.place}/{self.path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, and of whom; ``left_out`` says what it could not take.

    ``site_file`` is its name in the folder of the site, ``history`` the store's path as the site file says.
    """

    gateway: str
    made_utc_ms: int
    version: str
    boot: int
    site_file: str
    history: str
    members: tuple[Member, ...]
    left_out: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """All members together."""
        return sum(member.size for member in self.members)


def read(path: Path) -> Manifest:
    """What a backup says of itself.  Raises Unusable."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            return _manifest(archive)
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise Unusable(f"{path}: no backup that can be read: {error}") from error


def check(path: Path) -> Manifest:
    """Read every byte and hold it against the manifest.  Raises Unusable with the first that is wrong."""
    for _ in contents(path):
        pass
    return read(path)


def contents(path: Path) -> Iterator[tuple[Member, IO[bytes]]]:
    """Every member with its bytes, proved sound before they are given.  Raises Unusable."""
    try:
        with tarfile.open(path, "r:gz") as archive:
            assert archive.fileobj is not None
            wanted = {member.name: member for member in _manifest(archive).members}
            for info in islice(archive, 1, None):
                member = wanted.pop(info.name, None)
                if member is None or not info.isreg():
                    raise Unusable(f"{path}: holds {info.name!r}, which its manifest does not name")
                body = archive.extractfile(info)
                assert body is not None
                with io.BytesIO(body.read()) if member.size < _SMALL_BYTES else _spooled(body) as found:
                    if sha256(found) != member.sha256:
                        raise Unusable(f"{path}: {info.name} is damaged")
                    found.seek(0)
                    yield member, found
            while archive.fileobj.read(1 << 20):  # the end of the file, and with it its own checksum
                pass
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise Unusable(f"{path}: cannot be read to its end: {error}") from error
    if wanted:
        raise Unusable(f"{path}: {min(wanted)} is missing")


def _spooled(body: IO[bytes]) -> IO[bytes]:
    """A large member on disk, nameless, while it is looked at."""
    found: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - its reader closes it
    while part := body.read(1 << 20):
        found.write(part)
    found.seek(0)
    return found


def _manifest(archive: tarfile.TarFile) -> Manifest:
    first = archive.next()
    if first is None or first.name != MANIFEST or (body := archive.extractfile(first)) is None:
        raise ValueError("its first member is no manifest")
    try:
        said = json.loads(body.read())
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']}; this version reads {FORMAT}")
        members = tuple(Member(**one) for one in said["members"])
        fields = {name: said[name] for name in _FIELDS}
        manifest = Manifest(**fields, members=members, left_out=tuple(said["left_out"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"its manifest lacks {error}") from error
    for member in members:
        parts = Path(member.path).parts
        if (
            member.place not in PLACES
            or ".." in parts
            or (member.place == ELSEWHERE) != member.path.startswith("/")
        ):
            raise ValueError(f"{member.place}/{member.path} is no place of a gateway")
    return manifest


def write(file: IO[bytes], manifest: Manifest, sources: Sequence[Path]) -> None:
    """Write a whole backup to an open file; ``sources`` are the members' files in their order."""
    said = {"format": FORMAT, **asdict(manifest)}
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_LEVEL) as archive:
        _add(archive, MANIFEST, io.BytesIO(body := json.dumps(said, indent=1).encode()), len(body))
        for member, source in zip(manifest.members, sources, strict=True):
            with source.open("rb") as found:
                _add(archive, member.name, found, member.size)


def _add(archive: tarfile.TarFile, name: str, body: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    archive.addfile(info, body)


def sha256(file: IO[bytes]) -> str:
    """Of a whole file, in hex."""
    found = hashlib.sha256()
    while part := file.read(_SMALL_BYTES):
        found.update(part)
    return found.hexdigest()


def about(manifest: Manifest) -> Mapping[str, Any]:
    """For scripts: everything but the checksums."""
    return {
        "gateway": manifest.gateway,
        "made_utc_ms": manifest.made_utc_ms,
        "version": manifest.version,
        "boot": manifest.boot,
        "files_count": len(manifest.members),
        "size_bytes": manifest.size_bytes,
        "left_out": list(manifest.left_out),
    }
