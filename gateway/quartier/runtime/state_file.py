"""Save small facts in two checksummed copies and load the newest sound one; mark a restored gateway."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

RESTORED_FILE = "restored"


def mark_restored(state_dir: Path, utc_ms: int, made_utc_ms: int, boot: int) -> None:
    """Record that a backup was restored here, and above which boot number it continues.  Raises OSError."""
    facts = {"utc_ms": utc_ms, "made_utc_ms": made_utc_ms, "boot": boot}
    save_facts(state_dir / RESTORED_FILE, facts, twice=True)


def was_restored(state_dir: Path) -> bool:
    """Return whether a backup was restored here."""
    return load_facts(state_dir / RESTORED_FILE) is not None


_COPIES = ("a", "b")


def _find_copy(path: Path, copy: str) -> Path:
    return path.with_name(f"{path.name}.{copy}")


def _read_copy(path: Path) -> tuple[int, dict[str, Any]] | None:
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        turn, crc = head.split()
        if int(crc, 16) != zlib.crc32(turn + body):
            return None
        return int(turn), json.loads(body)
    except (OSError, ValueError):
        return None


def load_facts(path: Path) -> dict[str, Any] | None:
    """Load the last facts saved under ``path``; None if neither copy is sound."""
    sound = [found for copy in _COPIES if (found := _read_copy(_find_copy(path, copy)))]
    return max(sound, key=lambda found: found[0])[1] if sound else None


def find_damaged_copies(path: Path) -> list[Path]:
    """Return the copies that are damaged or missing; none if nothing was ever saved."""
    places = [_find_copy(path, copy) for copy in _COPIES]
    if not any(place.exists() for place in places):
        return []
    return [place for place in places if _read_copy(place) is None]


def save_facts(path: Path, facts: dict[str, Any], *, twice: bool = False) -> None:
    """Replace the older copy durably; the other copy stays as it is, or is written too if it is missing.

    ``twice``: replace the other copy too, for facts whose older form must not return when a copy is damaged.
    Raises OSError (disk full, read-only): then the last good copy still counts.
    """
    turns = {copy: (found[0] if (found := _read_copy(_find_copy(path, copy))) else -1) for copy in _COPIES}
    older, newer = sorted(_COPIES, key=lambda copy: turns[copy])
    turn = str(max(turns.values()) + 1).encode()
    body = json.dumps(facts, separators=(",", ":")).encode()
    content = b"%s %08x\n%s" % (turn, zlib.crc32(turn + body), body)
    for copy in (older, newer) if twice or turns[newer] < 0 else (older,):
        _write_copy(_find_copy(path, copy), content)


def _write_copy(target: Path, content: bytes) -> None:
    fresh = target.with_suffix(target.suffix + ".new")
    with fresh.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
