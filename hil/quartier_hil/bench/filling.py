"""A history of many samples, as a building leaves it that had no district for long; a process of its own."""

import sys
from pathlib import Path

from quartier_drivers.readings import QUALITIES, Quality, Readings
from quartier_hil.bench import commit

POINTS = 500
# So many rows are drawn, and come again: what they hold is no matter, how many chunks they make is.
_ROWS, _ROWS_PER_COMMIT = 1_009, 100


def main() -> None:
    """``filling FOLDER SAMPLES``: prints how many samples the history in FOLDER holds then."""
    sys.stdout.write(f"{fill(Path(sys.argv[1]), int(sys.argv[2]))}\n")
    sys.stdout.flush()


def fill(folder: Path, samples: int) -> int:
    """Keep at least so many samples of ``POINTS`` points, none of them delivered; returns how many.

    Raises RuntimeError where the store does not take them.
    """
    rows = list(commit.series(_ROWS, POINTS))
    good = bytes([QUALITIES.index(Quality.GOOD)]) * POINTS
    each_s = commit.PERIOD_S * _ROWS_PER_COMMIT
    with commit.opened(folder, commit_s=each_s, outbox=True, points=POINTS) as (store, layout):
        commits, kept, step = int(store.stats["commits_count"]), 0, 0
        while kept < samples:
            for _ in range(_ROWS_PER_COMMIT):
                step += 1
                now = commit.moment(step * commit.PERIOD_S)
                kept += store.record(Readings(layout, rows[step % _ROWS], good, now.ns), now)
            commits += 1
            store.tick(now)
            commit.commit(store, now, commits)
        if not store.close(now):
            raise RuntimeError("the store did not close")
    return kept
