"""A site file that the district ordered: kept beside the installer's, and used while that one is as it was.

Who changes the file at the gateway has the last word: an ordered one counts only while the file has the bytes
over which it was ordered.  The one before it is kept; a run that does not get through its first minute three
times goes back to it.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quartier.config import load
from quartier.config.byhand import refusals
from quartier.config.load import Loaded
from quartier.runtime import statefile
from quartier_drivers.errors import ConfigError

FILE = "ordered"
NAME = "ordered site file"
TRIES_MAX = 3


@dataclass(frozen=True, slots=True)
class Ordered:
    """What was ordered by which document; ``over`` is the digest of the file that it stands over.

    ``before`` is the ordered text that it replaced, if there was one.  ``starts_count`` counts the runs
    since that did not last.
    """

    text: str
    over: str
    id: str
    seq: int
    before: str = ""
    starts_count: int = 0

    @property
    def name(self) -> str:
        """Which job it was."""
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


def recalled(state_dir: Path) -> Ordered | None:
    """What was ordered last; None where nothing was, or it cannot be read."""
    match statefile.load(state_dir / FILE):
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


def keep(state_dir: Path, ordered: Ordered) -> None:
    """Write it down, in both copies: the one before must not come back.  Raises OSError."""
    statefile.save(state_dir / FILE, ordered.facts(), twice=True)


def in_force(config: Path, state_dir: Path) -> Loaded:
    """The site file to run with: the ordered one where it counts, else the file itself.

    Raises ConfigError as ``load.load_lenient``.
    """
    ordered = recalled(state_dir)
    if ordered is None or ordered.over != digest(config):
        return load.load_lenient(config)
    newest = (ordered.text, ordered.name) if ordered.starts_count < TRIES_MAX else ("", "")
    for text, name in (newest, (ordered.before, f"before {ordered.name}")):
        if text:
            try:
                return replace(load.load_lenient(config, load.Instead(NAME, text)), ordered=name)
            except ConfigError:
                continue
    return load.load_lenient(config)


def counts(config: Path, state_dir: Path) -> Ordered | None:
    """The order in force, if one is."""
    ordered = recalled(state_dir)
    if ordered is None or not ordered.text or ordered.starts_count >= TRIES_MAX:
        return None
    return ordered if ordered.over == digest(config) else None


def superseded(config: Path, state_dir: Path) -> str:
    """Forget an order whose file was changed by hand since, so that it never comes back; which job it was.

    Raises OSError.
    """
    ordered = recalled(state_dir)
    if ordered is None or not ordered.text or ordered.over == digest(config):
        return ""
    keep(state_dir, replace(ordered, text="", before=""))
    return ordered.name


def checked(config: Path, text: str) -> Loaded:
    """An ordered text as ``quartier check`` judges it, and whether an order may change so much of the file.

    Raises ConfigError with every fault.
    """
    instead = load.Instead(NAME, text)
    found = load.check(config, instead)
    if flaws := [*refusals(load.load_lenient(config).site, found.site)]:
        raise ConfigError(load.told(instead, flaws))
    return found


def begun(state_dir: Path) -> None:
    """A run begins: it counts as failed until ``lasted`` is told.  Raises OSError."""
    ordered = recalled(state_dir)
    if ordered is not None:
        keep(state_dir, replace(ordered, starts_count=min(ordered.starts_count + 1, 2 * TRIES_MAX)))


def lasted(state_dir: Path) -> None:
    """The run has got through its first minute.  Raises OSError."""
    ordered = recalled(state_dir)
    if ordered is not None and 0 < ordered.starts_count <= TRIES_MAX:
        keep(state_dir, replace(ordered, starts_count=0))


def digest(config: Path) -> str:
    """What tells that the file was changed; empty where it cannot be read."""
    try:
        return hashlib.sha256(config.read_bytes()).hexdigest()
    except OSError:
        return ""
