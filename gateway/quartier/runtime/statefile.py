"""Small facts that must survive anything: two copies, checksummed, the newest sound one counts."""

import json
import os
import zlib
from pathlib import Path
from typing import Any

_COPIES = ("a", "b")


def _path(path: Path, copy: str) -> Path:
    return path.with_name(f"{path.name}.{copy}")


def _read(path: Path) -> tuple[int, dict[str, Any]] | None:
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        turn, crc = head.split()
        if int(crc, 16) != zlib.crc32(turn + body):
            return None
        return int(turn), json.loads(body)
    except (OSError, ValueError):
        return None


def load(path: Path) -> dict[str, Any] | None:
    """The last facts saved under ``path``; None when neither copy is sound."""
    sound = [found for copy in _COPIES if (found := _read(_path(path, copy)))]
    return max(sound, key=lambda found: found[0])[1] if sound else None


def damaged(path: Path) -> list[Path]:
    """Copies that are not sound, or gone; none where nothing was ever saved."""
    places = [_path(path, copy) for copy in _COPIES]
    if not any(place.exists() for place in places):
        return []
    return [place for place in places if _read(place) is None]


def save(path: Path, facts: dict[str, Any], *, twice: bool = False) -> None:
    """Write the older copy anew and make it durable; the other one stays as it is, if it is there.

    ``twice``: then the other one too, for facts whose older form must not come back when a copy is damaged.
    Raises OSError (disk full, read-only): then the last good copy still counts.
    """
    turns = {copy: (found[0] if (found := _read(_path(path, copy))) else -1) for copy in _COPIES}
    older, newer = sorted(_COPIES, key=lambda copy: turns[copy])
    turn = str(max(turns.values()) + 1).encode()
    body = json.dumps(facts, separators=(",", ":")).encode()
    content = b"%s %08x\n%s" % (turn, zlib.crc32(turn + body), body)
    for copy in (older, newer) if twice or turns[newer] < 0 else (older,):
        _write(_path(path, copy), content)


def _write(target: Path, content: bytes) -> None:
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
