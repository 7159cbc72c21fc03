"""The number of this daemon's start, kept in two places so that one lost file repeats no key."""

import os
import zlib
from collections.abc import Iterable
from pathlib import Path

_OPENED = "+"


def next_boot(known: Iterable[int], utc_ms: int, *, synced: bool) -> int:
    """max(last + 1, Unix seconds if the clock is trusted), sync.md section 3."""
    return max([number + 1 for number in known] + [utc_ms // 1000 if synced else 1])


def read_boot(path: Path) -> int | None:
    """The number kept in ``path``; None when the file is absent, cut or altered."""
    body = _read(path)
    return int(body.removesuffix(_OPENED)) if body else None


def had_history(path: Path) -> bool:
    """Whether a history was open in this start or one before: if there is none now, it was removed."""
    return _read(path).endswith(_OPENED)


def _read(path: Path) -> str:
    try:
        body, check = path.read_text("ascii").split()
    except (OSError, ValueError):
        return ""
    sound = check == f"{zlib.crc32(body.encode()):08x}" and body.removesuffix(_OPENED).isdigit()
    return body if sound else ""


def keep_boot(path: Path, boot: int, *, opened: bool = False) -> bool:
    """Replace ``path`` atomically and wait for the disk; False when the disk refuses."""
    body = f"{boot}{_OPENED if opened else ''}"
    beside = path.with_name(path.name + ".new")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            os.write(descriptor, f"{body} {zlib.crc32(body.encode()):08x}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        return False
    return True
