"""The write ledger as it was kept: its rows over time, while the daemon runs or not, and what is missing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from quartier.house.entry import STREAM, Entry, from_text
from quartier.store.gaps import Gap
from quartier.store.history import Reader

_FAR_MS = 2**53


def entries(path: Path, runtime_dir: Path, from_ms: int, asset: str | None = None) -> list[Entry]:
    """Every row that stood or changed since ``from_ms`` (UTC), each as it was known last, oldest first.

    A row is written down again as it changes: whichever line of it can still be read tells all of it.
    Raises FileNotFoundError when there is no history and PermissionError when it may not be read; what is
    damaged in it is left out.
    """
    newest: dict[tuple[int, int], Entry] = {}
    with closing(Reader(path, runtime_dir, from_ms, _FAR_MS)) as reader:
        for entry in _read(reader):
            if asset in {None, entry.asset} and max(entry.last_ms, entry.end_ms or 0) >= from_ms:
                newest[entry.boot, entry.number] = entry
    return sorted(newest.values(), key=lambda entry: (entry.utc_ms, entry.boot, entry.number))


def missing(path: Path, runtime_dir: Path, from_ms: int) -> list[Gap]:
    """What of the ledger is gone since ``from_ms``: evicted, damaged, or cut off with the power."""
    with closing(Reader(path, runtime_dir, from_ms, _FAR_MS)) as reader:
        return [gap for gap in reader.gaps() if gap.stream in {STREAM, "*"} and gap.to_utc_ms >= from_ms]


def _read(reader: Reader) -> Iterator[Entry]:
    for sample in reader.samples(STREAM):
        try:
            yield from_text(str(sample.value))
        except ValueError:
            continue
