"""Site files that stand over the installer's: one that a person at the gateway applied, one that the district
ordered.

The file that lies at the gateway is the ground.  An applied text stands over the file, an ordered one over
what a person saw to last (the applied text, else the file); each counts only while the text below it is the
one over which it was given, so whoever changes that one has the last word.  An ordered text never changes
what only a person on site may change, and that is judged anew each time it is loaded.  The ordered text
before the newest is kept; where a run with the newest does not get through its first minute three times, the
one below it counts, with the tighter of both values where a loosening would have to wait.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quartier.config import load, rights
from quartier.config.load import Loaded
from quartier.config.rights import Judgement
from quartier.runtime import statefile
from quartier_drivers.errors import ConfigError

FILE = "ordered"
APPLIED = "applied"
NAME = "ordered site file"
APPLIED_NAME = "applied site file"
TRIES_MAX = 3


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered by which document; ``over`` is the digest of the text that it stands over.

    Of an applied text ``id`` is the person and ``seq`` when (UTC, ms).  ``before`` is the ordered text that
    it replaced, if there was one.  ``starts_count`` counts the runs since that did not last.
    """

    text: str
    over: str
    id: str
    seq: int
    before: str = ""
    starts_count: int = 0

    @property
    def name(self) -> str:
        """Which job it was, or who applied it."""
        return f"{self.id} ({self.seq})"

    def facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "text": self.text,
            "over": self.over,
            "id": self.id,
            "seq": self.seq,
            "before": self.before,
            "starts": self.starts_count,
        }


def recalled(state_dir: Path, file: str = FILE) -> Ordered | None:
    """What was ordered last; None where nothing was, or it cannot be read."""
    match statefile.load(state_dir / file):
        case {
            "text": str(text),
            "over": str(over),
            "id": str(ident),
            "seq": int(seq),
            "before": str(before),
            "starts": int(starts),
        }:
            return Ordered(text, over, ident, seq, before, starts)
        case _:
            return None


def keep(state_dir: Path, ordered: Ordered, file: str = FILE) -> None:
    """Write it down, in both copies: the one before must not come back.  Raises OSError."""
    statefile.save(state_dir / file, ordered.facts(), twice=True)


def in_force(config: Path, state_dir: Path) -> Loaded:
    """Load the site file to run with: the ordered one where it counts, else what a person saw to last.

    Raises ConfigError as ``load.load_lenient``.
    """
    base = on_site(config, state_dir)
    ordered = recalled(state_dir)
    if ordered is None or ordered.over != digest(config, state_dir):
        return base
    newest = _usable(config, ordered.text, base)
    if newest is not None and ordered.starts_count < TRIES_MAX:
        return replace(newest, ordered=ordered.name)
    before = _usable(config, ordered.before, base)
    found = base if before is None else replace(before, ordered=f"before {ordered.name}")
    # Nobody allowed a loosening: a run that failed is no heartbeat.
    return found if newest is None else replace(found, site=rights.tightest(found.site, newest.site))


def on_site(config: Path, state_dir: Path) -> Loaded:
    """Load what a person at the gateway saw to last: the applied text where it counts, else the file.

    Raises ConfigError as ``load.load_lenient``.
    """
    applied = _applied(config, state_dir)
    if applied is None:
        return load.load_lenient(config)
    try:
        loaded = load.load_lenient(config, load.Instead(APPLIED_NAME, applied.text))
    except ConfigError:
        return load.load_lenient(config)
    if applied.starts_count < TRIES_MAX:
        return replace(loaded, ordered=applied.name)
    found = load.load_lenient(config)
    return replace(found, site=rights.tightest(found.site, loaded.site))


def counts(config: Path, state_dir: Path) -> Ordered | None:
    """The order in force, if one is."""
    ordered = recalled(state_dir)
    if ordered is None or not ordered.text or ordered.starts_count >= TRIES_MAX:
        return None
    return ordered if ordered.over == digest(config, state_dir) else None


def superseded(config: Path, state_dir: Path, file: str = FILE) -> str:
    """Forget a text whose ground was changed by hand since, so that it never comes back; which one it was.

    Raises OSError.
    """
    ordered = recalled(state_dir, file)
    below = file_digest(config) if file == APPLIED else digest(config, state_dir)
    if ordered is None or not ordered.text or ordered.over == below:
        return ""
    keep(state_dir, replace(ordered, text="", before=""), file)
    return ordered.name


def checked(config: Path, state_dir: Path, text: str, used: Loaded) -> Judgement:
    """Judge an ordered text as ``quartier check`` does, and whether an order may change so much.

    ``used`` is what the gateway runs with.  Raises ConfigError with every fault.
    """
    instead = load.Instead(NAME, text)
    found = load.check(config, instead)
    judgement = rights.judge(on_site(config, state_dir).site, used.site, found.site)
    if judgement.refused:
        raise ConfigError(load.told(instead, judgement.refused))
    return judgement


def begun(state_dir: Path, used: str) -> None:
    """A run begins with the text ``used``: it counts as failed until ``lasted`` is told.  Raises OSError."""
    file, ordered = _named(state_dir, used)
    if ordered is not None:
        starts_count = min(ordered.starts_count + 1, 2 * TRIES_MAX)
        keep(state_dir, replace(ordered, starts_count=starts_count), file)


def lasted(state_dir: Path, used: str) -> None:
    """The run has got through its first minute with the text ``used``.  Raises OSError."""
    file, ordered = _named(state_dir, used)
    if ordered is not None and ordered.name == used and ordered.starts_count > 0:
        keep(state_dir, replace(ordered, starts_count=0), file)


def _named(state_dir: Path, used: str) -> tuple[str, Ordered | None]:
    """The file and the text that a run uses; with the ordered text before it counts for the newest."""
    applied = recalled(state_dir, APPLIED)
    if applied is not None and applied.name == used:
        return APPLIED, applied
    return FILE, recalled(state_dir)


def digest(config: Path, state_dir: Path) -> str:
    """What tells that a person changed what an order stands over; empty where it cannot be read."""
    applied = _applied(config, state_dir)
    is_used = applied is not None and applied.starts_count < TRIES_MAX
    return _digest(applied.text.encode()) if applied is not None and is_used else file_digest(config)


def file_digest(config: Path) -> str:
    """What tells that the file was changed; empty where it cannot be read."""
    try:
        return _digest(config.read_bytes())
    except OSError:
        return ""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _applied(config: Path, state_dir: Path) -> Ordered | None:
    applied = recalled(state_dir, APPLIED)
    return applied if applied is not None and applied.text and applied.over == file_digest(config) else None


def _usable(config: Path, text: str, base: Loaded) -> Loaded | None:
    """An ordered text, if it can be read and changes nothing that only a person on site may change."""
    if not text:
        return None
    try:
        found = load.load_lenient(config, load.Instead(NAME, text))
    except ConfigError:
        return None
    return None if rights.judge(base.site, base.site, found.site).refused else found
