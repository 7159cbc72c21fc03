"""Whether this gateway took the place of another machine: kept with its state, for as long as that lives."""

from pathlib import Path

from quartier.runtime import statefile

FILE = "restored"


def keep(state_dir: Path, utc_ms: int, made_utc_ms: int, boot: int) -> None:
    """Write down that a backup was put here, and above which boot it goes on.  Raises OSError."""
    facts = {"utc_ms": utc_ms, "made_utc_ms": made_utc_ms, "boot": boot}
    statefile.save(state_dir / FILE, facts, twice=True)


def was_restored(state_dir: Path) -> bool:
    """Whether it did."""
    return statefile.load(state_dir / FILE) is not None
