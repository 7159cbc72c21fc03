"""Read, verify and write the archive of a backup: a gzipped tar of manifest, signature and files.

The manifest names each file with its place, size, SHA-256, mode and owner.  The signature, made with the
gateway's key, covers the manifest.  The file may come from a stranger, so each size is checked before the
content is read.
"""

import gzip
import hashlib
import io
import json
import stat
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from quartier.runtime import signing
from quartier.runtime.owned_files import Readable, open_plain

FORMAT, MANIFEST_NAME, SIGNATURE_NAME = 2, "manifest.json", "signature.json"
STATE, JOURNAL, SITE, ELSEWHERE = "state", "journal", "site", "elsewhere"
ALL_PLACES = (STATE, JOURNAL, SITE, ELSEWHERE)
MANIFEST_MAX_BYTES = 4 << 20
FILES_COUNT_MAX = 10_000
FILE_MAX_BYTES = 1 << 36
_SIGNATURE_MAX_BYTES = 1 << 10
_READ_MAX_BYTES = MANIFEST_MAX_BYTES + tarfile.BLOCKSIZE  # no header of the archive may ask for a larger read
_REST_MAX_BYTES = 1 << 20  # the most padding (zeros) accepted after the last file
_SIGNATURE_CONTEXT = b"quartier backup\n"  # a signature over other data is not valid here
_COMPRESSION_LEVEL = 3  # large files are compressed already
_SMALL_BYTES = 1 << 20
_PLAIN_TYPES = (tarfile.REGTYPE, tarfile.AREGTYPE)
SKIPPED_ENDINGS = ("-shm", ".new", ".lock")
"""Ends of names of files that are rebuilt from others, or that nobody reads again."""
_NAME_MAX_BYTES = 200  # of one part of a path; leaves room for what is appended to move a file aside
_READ_ERRORS = (OSError, tarfile.TarError, zlib.error, EOFError, ValueError, RecursionError)
_Word = Annotated[str, Field(min_length=1, max_length=255)]
_Name = Annotated[str, Field(min_length=1, max_length=4096)]
_UtcMs = Annotated[int, Field(ge=0, lt=1 << 53)]
_Boot = Annotated[int, Field(ge=0, lt=1 << 40)]


class UnusableBackup(Exception):  # noqa: N818 - its text is shown to a person
    """The file is not a backup, or is damaged, or cannot be used on this machine."""


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One file of a backup: ``path`` is relative to the folder of its place, absolute for ``elsewhere``."""

    place: _Word
    path: _Name
    size: Annotated[int, Field(ge=0, le=FILE_MAX_BYTES)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    mode: Annotated[int, Field(ge=0, le=0o7777)]
    owner: _Word
    group: _Word

    @property
    def name(self) -> str:
        """The name of the file in the archive."""
        return f"{self.place}/{self.path.lstrip('/')}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The content of a backup and its gateway; ``left_out`` lists files that could not be read.

    ``site_file`` is a file name in the folder of the site file.  ``history`` is the store's path as the site
    file states it.
    """

    gateway: _Word
    made_utc_ms: _UtcMs
    version: _Word
    boot: _Boot
    site_file: _Word
    history: _Name
    members: Annotated[tuple[ArchivedFile, ...], Field(max_length=FILES_COUNT_MAX)]
    left_out: Annotated[tuple[_Name, ...], Field(max_length=FILES_COUNT_MAX)] = ()

    @property
    def size_bytes(self) -> int:
        """The size of all files together, in bytes."""
        return sum(member.size for member in self.members)

    @property
    def site_member(self) -> ArchivedFile:
        """The site file.  Raises ValueError if the manifest names none."""
        for member in self.members:
            if (member.place, member.path) == (SITE, self.site_file):
                return member
        raise ValueError(f"its manifest names no site file {self.site_file!r}")


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """A manifest with the public key, in hex, of the gateway that signed it."""

    manifest: Manifest
    public_key: str

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the public key, for people to compare."""
        return signing.find_fingerprint(self.public_key)


_MANIFEST_ADAPTER = TypeAdapter(Manifest)


def _explain_error(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def read_manifest(path: Path) -> SignedManifest:
    """Read the manifest of a backup and verify its signature.  Raises UnusableBackup."""
    try:
        with _open_archive(path) as archive:
            return _read_head(archive)
    except _READ_ERRORS as error:
        raise UnusableBackup(f"{path}: is not a readable backup: {_explain_error(error)}") from error


def check_archive(path: Path, expected: SignedManifest | None = None) -> SignedManifest:
    """Read every byte and compare it with the manifest.

    Raises UnusableBackup with the first fault found.
    """
    for _ in iterate_files(path, expected):
        pass
    return read_manifest(path)


def iterate_files(
    path: Path, expected: SignedManifest | None = None
) -> Iterator[tuple[ArchivedFile, Readable]]:
    """Yield every file with its content, which is compared with its size and checksum as it is read.

    ``expected`` is the result of ``read_manifest``; an archive with another manifest is refused.  Raises
    UnusableBackup; for a damaged file at the latest when its last byte is read.
    """
    try:
        with _open_archive(path) as archive:
            found = _read_head(archive)
            if expected not in {None, found}:
                raise UnusableBackup(f"{path}: was changed while it was read")
            wanted = {member.name: member for member in found.manifest.members}
            while (info := archive.next()) is not None:
                member = wanted.pop(info.name, None)
                if member is None or info.type not in _PLAIN_TYPES:
                    raise UnusableBackup(f"{path}: holds {info.name!r}, which its manifest does not name")
                body = _open_member(archive, info, member, path)
                yield member, body
                while body.read(_SMALL_BYTES):
                    pass
            _read_rest(archive)
    except _READ_ERRORS as error:
        raise UnusableBackup(f"{path}: cannot be read to its end: {_explain_error(error)}") from error
    if wanted:
        raise UnusableBackup(f"{path}: {min(wanted)} is missing")


def read_member(path: Path, expected: SignedManifest, wanted: ArchivedFile) -> bytes:
    """Read one small file of the archive and verify it.  Raises UnusableBackup."""
    for member, body in iterate_files(path, expected):
        if member == wanted:
            return body.read()
    raise UnusableBackup(f"{path}: {wanted.name} is missing")


def _open_member(
    archive: tarfile.TarFile, info: tarfile.TarInfo, member: ArchivedFile, path: Path
) -> "_CheckedBody":
    if info.size != member.size:
        raise UnusableBackup(f"{path}: {info.name} has {info.size} bytes, its manifest says {member.size}")
    body = archive.extractfile(info)
    assert body is not None
    return _CheckedBody(body, member.sha256, f"{path}: {info.name} is damaged")


class _CheckedBody:
    """The content of a member.  The read that reaches its end raises UnusableBackup if its hash differs."""

    def __init__(self, body: IO[bytes], sha256: str, fault: str) -> None:
        self._body, self._sha256, self._fault = body, sha256, fault
        self._found = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes, or all."""
        parts, missing = [], size
        while missing and (part := self._body.read(_SMALL_BYTES if size < 0 else min(missing, _SMALL_BYTES))):
            self._found.update(part)
            parts.append(part)
            missing -= len(part)
        if missing and self._found.hexdigest() != self._sha256:
            raise UnusableBackup(self._fault)
        return b"".join(parts)


def _read_rest(archive: tarfile.TarFile) -> None:
    """Read to the end of the archive, which also verifies its gzip checksum.

    Raises ValueError if more than ``_REST_MAX_BYTES`` follow the last file.
    """
    assert archive.fileobj is not None
    rest = 0
    while part := archive.fileobj.read(_SMALL_BYTES):
        rest += len(part)
        if rest > _REST_MAX_BYTES:
            raise ValueError("bytes follow the last file")


class _BoundedGzipFile(gzip.GzipFile):
    """The unpacked bytes, in bounded reads only, so that a forged header cannot exhaust the memory."""

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes.  Raises ValueError if ``size`` is unbounded or too large."""
        if size is None or not 0 <= size <= _READ_MAX_BYTES:
            raise ValueError(f"a header asks for {size} bytes")
        return super().read(size)


@contextmanager
def _open_archive(path: Path) -> Iterator[tarfile.TarFile]:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("is not a regular file; copy it to a disk first")
    with _BoundedGzipFile(path, "rb") as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
        yield archive


def _read_head(archive: tarfile.TarFile) -> SignedManifest:
    content = _read_small_file(archive, MANIFEST_NAME, MANIFEST_MAX_BYTES)
    if (form := _parse_json(content)) != FORMAT:
        raise ValueError(f"format {form!r}; this version reads format {FORMAT}, which is signed")
    try:
        seal = json.loads(_read_small_file(archive, SIGNATURE_NAME, _SIGNATURE_MAX_BYTES))
        key, signature = seal["public_key"], seal["signature"]
    except (KeyError, TypeError) as error:
        raise ValueError("its signature cannot be read") from error
    if not signing.is_signed_by(key, signature, _SIGNATURE_CONTEXT + content):
        raise ValueError("its signature is wrong: the file was changed after it was signed")
    return SignedManifest(_parse_manifest(content), key)


def _read_small_file(archive: tarfile.TarFile, name: str, size_max: int) -> bytes:
    info = archive.next()
    if info is None or info.name != name or info.type not in _PLAIN_TYPES:
        raise ValueError(f"has no {name} at its place")
    if info.size > size_max:
        raise ValueError(f"{name} has {info.size} bytes; at most {size_max}")
    body = archive.extractfile(info)
    assert body is not None
    return body.read(info.size)


def _parse_json(content: bytes) -> object:
    said = json.loads(content)
    return said.get("format") if isinstance(said, dict) else None


def _parse_manifest(content: bytes) -> Manifest:
    said = json.loads(content)
    del said["format"]
    try:
        manifest = _MANIFEST_ADAPTER.validate_json(json.dumps(said), strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"its manifest: {'.'.join(map(str, first['loc']))!r}: {first['msg']}") from error
    names = {member.name for member in manifest.members}
    if len(names) < len(manifest.members):
        raise ValueError("its manifest names a file twice")
    for member in manifest.members:
        _check_place(member)
        if not names.isdisjoint(str(one) for one in PurePosixPath(member.name).parents):
            raise ValueError(f"its manifest names {member.name} below another file")
    texts = (manifest.gateway, manifest.version, manifest.history, *manifest.left_out)
    if "/" in manifest.site_file or not all(text.isprintable() for text in texts):
        raise ValueError("its manifest holds a name that no gateway has")
    _ = manifest.site_member
    return manifest


def _check_place(member: ArchivedFile) -> None:
    """Raise ValueError if the path of a file is not plainly below the folder of its place."""
    path = PurePosixPath(member.path)
    plain = str(path) == member.path and ".." not in path.parts and member.path.isprintable()
    plain = plain and bool(path.name) and not path.name.endswith(SKIPPED_ENDINGS)
    plain = plain and all(len(part.encode()) <= _NAME_MAX_BYTES for part in path.parts)
    if member.place not in ALL_PLACES or not plain or (member.place == ELSEWHERE) != path.is_absolute():
        raise ValueError(f"{member.place!r}, {member.path!r} is not a place for a file of a gateway")


def write_archive(
    file: IO[bytes], manifest: Manifest, sources: Sequence[Path], private: signing.PrivateKey
) -> SignedManifest:
    """Write a whole backup to an open file; ``sources`` are the files of the members, in the same order."""
    content = json.dumps({"format": FORMAT, **asdict(manifest)}, indent=1).encode()
    key = signing.find_public_key(private)
    seal = {"public_key": key, "signature": private.sign(_SIGNATURE_CONTEXT + content).hex()}
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=_COMPRESSION_LEVEL) as archive:
        for name, body in ((MANIFEST_NAME, content), (SIGNATURE_NAME, json.dumps(seal).encode())):
            _add_file(archive, name, io.BytesIO(body), len(body))
        for member, source in zip(manifest.members, sources, strict=True):
            with open_source(member.place, source) as found:
                _add_file(archive, member.name, found, member.size)
    return SignedManifest(manifest, key)


def open_source(place: str, source: Path) -> IO[bytes]:
    """Open a file of this gateway; never follow a link in a folder of the service.  Raises OSError."""
    return open_plain(source) if place in {STATE, JOURNAL} else source.open("rb")


def _add_file(archive: tarfile.TarFile, name: str, body: IO[bytes], size: int) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    archive.addfile(info, body)


def hash_file(file: IO[bytes]) -> str:
    """Return the SHA-256 of a whole file, in hex."""
    found = hashlib.sha256()
    while part := file.read(_SMALL_BYTES):
        found.update(part)
    return found.hexdigest()


def describe_backup(signed: SignedManifest) -> Mapping[str, Any]:
    """Describe a backup for scripts: everything except the checksums."""
    manifest = signed.manifest
    return {
        "gateway": manifest.gateway,
        "made_utc_ms": manifest.made_utc_ms,
        "version": manifest.version,
        "boot": manifest.boot,
        "files_count": len(manifest.members),
        "size_bytes": manifest.size_bytes,
        "left_out": list(manifest.left_out),
        "key": signed.fingerprint,
    }
