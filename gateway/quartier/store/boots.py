"""Keep the boot number in two places, so that the loss of one file repeats no key."""

import errno
import os
import zlib
from collections.abc import Iterable
from pathlib import Path

_OPENED_FLAG, _RESERVED_FLAG = "+", "-"
_UNSETTLED_COUNT_MAX = 10_000
# A file of whole sectors: if the disk is full, it is overwritten in place.
_SECTOR_BYTES = 512


def find_next_boot(known: Iterable[int], utc_ms: int, *, synced: bool) -> int:
    """Return max(last + 1, Unix seconds if the clock is trusted) (spec/sync.md#boot)."""
    return max([number + 1 for number in known] + [utc_ms // 1000 if synced else 1])


def read_boot(path: Path) -> int | None:
    """Return the boot number in ``path``; None if the file is absent, cut or altered."""
    words = _read_words(path)
    return int(words[0].rstrip(_OPENED_FLAG + _RESERVED_FLAG)) if words else None


def had_history(path: Path) -> bool:
    """Return whether this boot or an earlier one had a history open; if there is none now, it was removed."""
    words = _read_words(path)
    return bool(words) and _OPENED_FLAG in words[0]


def read_started(path: Path) -> set[int]:
    """Return the boots whose end the history may not know yet: the last one, and older ones."""
    words = _read_words(path)
    if words and _RESERVED_FLAG in words[0]:
        words = words[1:]
    return {int(word.rstrip(_OPENED_FLAG)) for word in words}


def _read_words(path: Path) -> list[str]:
    """Return the words of the file: the last boot with its flags, then the older ones."""
    try:
        text, check = path.read_text("ascii").split()
    except (OSError, ValueError):
        return []
    words = text.split(",")
    numbers = (words[0].rstrip(_OPENED_FLAG + _RESERVED_FLAG), *words[1:])
    sound = check == f"{zlib.crc32(text.encode()):08x}" and all(number.isdigit() for number in numbers)
    return words if sound else []


def save_boot(
    path: Path, boot: int, *, opened: bool = False, unsettled: Iterable[int] = (), reserved: bool = False
) -> bool:
    """Replace ``path`` atomically and wait for the disk; return False if the disk refuses.

    ``unsettled`` are earlier boots whose end the history does not know yet.  A number that is only
    ``reserved`` was never started: nothing of it can be missing.
    """
    older = sorted(set(unsettled) - {boot})[-_UNSETTLED_COUNT_MAX:]
    flags = (_OPENED_FLAG if opened else "") + (_RESERVED_FLAG if reserved else "")
    text = ",".join((f"{boot}{flags}", *map(str, older)))
    line = f"{text} {zlib.crc32(text.encode()):08x}"
    size = -(-(len(line) + 1) // _SECTOR_BYTES) * _SECTOR_BYTES
    content = f"{line:<{size - 1}}\n".encode()
    beside = path.with_name(path.name + ".new")
    try:
        _write_content(beside, content, os.O_CREAT | os.O_TRUNC)
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        return _overwrite_content(path, content)
    return True


def _overwrite_content(path: Path, content: bytes) -> bool:
    """Overwrite the file in place: a full disk refuses only new blocks.  Return whether that worked."""
    try:
        if path.stat().st_size != len(content):
            return False
        _write_content(path, content, 0)
    except OSError:
        return False
    return True


def _write_content(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | flags, 0o640)
    try:
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
