"""The image and the store of one building, taken through days of samples; a process of its own."""

import os
import random
import sys
from array import array
from pathlib import Path

from quartier.site.process_image import ProcessImage
from quartier_drivers.readings import QUALITIES, Quality, Readings
from quartier_hil.bench import commit, process

_PERIOD_S = 60
_HOUR_S, _DAY_S = 3_600, 86_400


def main() -> None:
    """``aging FOLDER DAYS``: prints MiB after an hour, a day and DAYS, on one line."""
    folder, days = Path(sys.argv[1]), float(sys.argv[2])
    told = age(folder, days)
    sys.stdout.write(" ".join(f"{mib:.2f}" for mib in told) + "\n")
    sys.stdout.flush()


def age(folder: Path, days: float) -> tuple[float, float, float]:
    """Record 200 points each minute, commit them, take all for delivered.

    Returns MiB after an hour, after a day and at the end.
    """
    rng = random.Random(11)  # noqa: S311 - values that can be repeated, no secret
    good = bytes([QUALITIES.index(Quality.GOOD)]) * commit.POINTS
    values = array("d", [rng.randrange(50_000) / 10 for _ in range(commit.POINTS)])
    image = ProcessImage()
    hour_mib = day_mib = 0.0
    with commit.opened(folder, commit_s=_PERIOD_S, outbox=True) as (store, layout):
        commits = int(store.stats["commits_count"])
        for step in range(1, int(days * _DAY_S) // _PERIOD_S + 1):
            now = commit.moment(step * _PERIOD_S)
            for at in range(commit.POINTS):
                values[at] += rng.choice((-2.3, -0.7, 0.1, 1.9))
            readings = Readings(layout, values[:], good, now.ns)
            image.put(readings)
            image.freeze(now.ns)
            store.record(readings, now)
            store.tick(now)
            commit.commit(store, now, commits + step)
            store.trim(store.heads())
            if step * _PERIOD_S == _HOUR_S:
                hour_mib = process.memory_mib(os.getpid())
            if step * _PERIOD_S == _DAY_S:
                day_mib = process.memory_mib(os.getpid())
        end_mib = process.memory_mib(os.getpid())
        store.close(commit.moment(days * _DAY_S + 1))
    return hour_mib, day_mib, end_mib
