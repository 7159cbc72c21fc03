"""Keep what ``quartier release`` wrote, until the next start moves it into the history.

The rows are in the runtime directory beside the release table.  A power cut deletes them together with the
journal; the gap record of the history then says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from quartier.runtime.release import BusRelease
from quartier.site.ledger import LedgerEntry, OrderOutcome, parse_entry
from quartier_drivers.contract import Origin

RELEASE_LOG_FILE = "released.jsonl"
LINES_COUNT_MAX = 1000
RELEASE_WHO = Origin("release", "quartier release")


def append_releases(
    runtime_dir: Path,
    wires: Sequence[BusRelease],
    failures: Mapping[str, Sequence[str]],
    utc_ms: int,
    why: str,
) -> None:
    """Add a line for each point that was written, or may have been.  Raises OSError."""
    fresh = [
        entry.text() for wire in wires for entry in _make_rows(wire, failures.get(wire.bus, ()), utc_ms, why)
    ]
    if not fresh:
        return
    path = runtime_dir / RELEASE_LOG_FILE
    lines = [*_read_lines(path), *fresh][-LINES_COUNT_MAX:]
    beside = path.with_name(f"{RELEASE_LOG_FILE}.new")
    beside.write_text("\n".join(lines) + "\n", encoding="utf-8")
    beside.replace(path)


def read_releases(runtime_dir: Path) -> list[LedgerEntry]:
    """Read the rows, of boot 0, that no start has taken over yet, in order; skip rows that cannot be read."""
    found = []
    for line in _read_lines(runtime_dir / RELEASE_LOG_FILE):
        try:
            found.append(parse_entry(line))
        except ValueError:
            continue
    return found


def clear_releases(runtime_dir: Path) -> None:
    """Delete the rows; the history has them now."""
    (runtime_dir / RELEASE_LOG_FILE).unlink(missing_ok=True)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _make_rows(wire: BusRelease, failed: Sequence[str], utc_ms: int, why: str) -> Iterator[LedgerEntry]:
    """Make a row per point; a failure that names no point counts for every other point of this bus."""
    points = list(dict.fromkeys(str(write["point"]) for write in wire.writes))
    notes = {point: line for line in failed for point in points if line.startswith(f"{point}: ")}
    others = [line for line in failed if line not in notes.values()]
    for number, point in enumerate(points, 1):
        fault = notes.get(point) or next(iter(others), "")
        outcome: OrderOutcome = "unknown" if fault else "done"
        value = wire.safe.get(point)
        yield LedgerEntry(
            boot=0,
            number=utc_ms * 1000 + number,
            point=point,
            who=RELEASE_WHO,
            why=why,
            utc_ms=utc_ms,
            last_ms=utc_ms,
            value=value,
            low=value,
            high=value,
            writes=1,
            outcome=outcome,
            known_ms=utc_ms,
            note=fault or "the device accepted it; it was not read back",
        )
