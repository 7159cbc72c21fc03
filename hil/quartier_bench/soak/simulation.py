"""Simulate three meters of one site for any number of days, through their drivers into the process image."""

import datetime as dt
import heapq
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from quartier.site.process_image import ProcessImage
from quartier_bench.soak.meter_lines import (
    CheckedPolledMeter,
    CheckedPushMeter,
    NoisePeriods,
    SiteTime,
    TestedMeter,
)
from quartier_bench.soak.meter_senders import LinkySender, P1Sender, RandomLoad
from quartier_bench.soak.word_ledger import WordCounts

DAY_S = 86_400.0
COMPARE_INTERVAL_S = 60.0
"""Interval at which the image is compared with the meters, s of the site's clock."""
_MEMORY_SAMPLES = 60
_AGE_MAX_S = 30.0
_NS_PER_S = 1_000_000_000
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_BEGIN_UTC_S = dt.datetime(2026, 6, 12, tzinfo=dt.UTC).timestamp()


@dataclass(slots=True)
class ImageComparison:
    """Counts of numbers in the image: equal to the meter's, absent or not good, different."""

    right: int = 0
    absent: int = 0
    wrong: int = 0


@dataclass(slots=True)
class SoakFigures:
    """Figures of a soak; ``memory`` are days of the site's clock and resident MiB, in order."""

    house_s: float = 0.0
    cpu_s: float = 0.0
    readings_count: int = 0
    bytes_count: dict[str, int] = field(default_factory=dict)
    counts: dict[str, WordCounts] = field(default_factory=dict)
    looks: dict[str, ImageComparison] = field(default_factory=dict)
    silent_count: dict[str, int] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)

    @property
    def growth_mib_per_day(self) -> float:
        """The slope of memory over the house's days, by least squares; the first third is warming up."""
        seen = self.memory[len(self.memory) // 3 :]
        if len(seen) < 3:
            return 0.0
        mean_day = sum(day for day, _ in seen) / len(seen)
        mean_mib = sum(mib for _, mib in seen) / len(seen)
        spread = sum((day - mean_day) ** 2 for day, _ in seen)
        return sum((day - mean_day) * (mib - mean_mib) for day, mib in seen) / spread if spread else 0.0

    @property
    def growth_mib(self) -> float:
        """Growth by that slope over the time from which it was taken, MiB."""
        seen = self.memory[len(self.memory) // 3 :]
        return self.growth_mib_per_day * (seen[-1][0] - seen[0][0]) if seen else 0.0


def make_meters(seed: int, noisy_pct: float, clock: SiteTime) -> Sequence[TestedMeter]:
    """A Linky that fills 9600 baud, a P1 meter each second, an M-Bus meter each ten."""
    return (
        CheckedPushMeter(
            "linky",
            "tic",
            "enedis/linky_standard",
            LinkySender(RandomLoad(seed)),
            NoisePeriods(seed, noisy_pct),
            clock,
        ),
        CheckedPushMeter(
            "flat1", "p1", "dsmr/p1", P1Sender(RandomLoad(seed + 1)), NoisePeriods(seed + 1, noisy_pct), clock
        ),
        CheckedPolledMeter(
            "flat2",
            "generic/mbus_electricity",
            RandomLoad(seed + 2),
            NoisePeriods(seed + 2, noisy_pct),
            clock,
        ),
    )


async def simulate_days(
    days: float, seed: int, noisy_pct: float, report: Callable[[SoakFigures], None] = lambda _: None
) -> SoakFigures:
    """Let ``days`` of the building pass; ``report`` is called sixty times on the way."""
    clock, image, figures = SiteTime(_BEGIN_UTC_S), ProcessImage(), SoakFigures()
    fed = make_meters(seed, noisy_pct, clock)
    for one in fed:
        await one.open()
        figures.looks[one.name] = ImageComparison()
    end_s = days * DAY_S
    look_each_s = min(COMPARE_INTERVAL_S, end_s / _MEMORY_SAMPLES)
    turns = [(0.0, number) for number in range(len(fed))]
    look_s, memory_s = look_each_s, 0.0
    began_s = time.process_time()

    def take(readings: object) -> None:
        image.put(readings)  # type: ignore[arg-type]  # what drivers give
        figures.readings_count += 1

    while turns[0][0] < end_s:
        now_s, number = heapq.heappop(turns)
        clock.ns = int(now_s * _NS_PER_S)
        lasts_s = await fed[number].turn(take)
        heapq.heappush(turns, (now_s + lasts_s, number))
        if now_s >= look_s:
            look_s += look_each_s
            for one in fed:
                if one.is_clean:
                    await one.flush(take)
                    _compare_image(image, one, figures.looks[one.name], clock.ns)
        if now_s >= memory_s:
            memory_s += end_s / _MEMORY_SAMPLES
            figures.memory.append((now_s / DAY_S, _read_memory_mib()))
            figures.house_s, figures.cpu_s = now_s, time.process_time() - began_s
            _collect_counts(fed, figures)
            report(figures)
    for one in fed:
        await one.flush(take)
        one.ledger.close()
    figures.house_s, figures.cpu_s = end_s, time.process_time() - began_s
    _collect_counts(fed, figures)
    return figures


def _compare_image(image: ProcessImage, one: TestedMeter, looks: ImageComparison, now_ns: int) -> None:
    """Compare the values that a control cycle would see with those of one meter."""
    frozen = image.freeze(now_ns)
    for quantity, value in one.values.items():
        seen = frozen.number(f"{one.name}.{quantity}", _AGE_MAX_S)
        if seen is None:
            looks.absent += 1
        elif abs(seen - value) <= 1e-6:
            looks.right += 1
        else:
            looks.wrong += 1


def _collect_counts(fed: Sequence[TestedMeter], figures: SoakFigures) -> None:
    figures.counts = {one.name: one.ledger.counts for one in fed}
    figures.bytes_count = {one.name: one.bytes_count for one in fed}
    figures.silent_count = {one.name: one.silent_count for one in fed}


def _read_memory_mib() -> float:
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return resident * _PAGE_BYTES / 2**20


def make_document(figures: SoakFigures) -> Mapping[str, object]:
    """The figures, JSON-ready."""
    return {
        "house_days": figures.house_s / DAY_S,
        "cpu_s": round(figures.cpu_s, 1),
        "readings_count": figures.readings_count,
        "meters": {
            name: {
                "bytes_count": figures.bytes_count[name],
                "sound_count": counts.sound,
                "hit_count": counts.hit,
                "lost_count": counts.lost,
                "mended_count": counts.recovered,
                "forged_count": counts.misread,
                "silent_count": figures.silent_count[name],
                "looks_right_count": figures.looks[name].right,
                "looks_absent_count": figures.looks[name].absent,
                "looks_wrong_count": figures.looks[name].wrong,
            }
            for name, counts in figures.counts.items()
        },
        "memory_mib": [round(mib, 2) for _, mib in figures.memory],
        "growth_mib_per_day": round(figures.growth_mib_per_day, 4),
        "growth_mib": round(figures.growth_mib, 3),
    }
