"""Results of a fleet's day: rows for a person, a document for a machine (pure)."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from quartier_hil.offline.fleet.day import SORTS, Record, Settings
from quartier_hil.offline.fleet.rebound import Rebound
from quartier_hil.offline.fleet.stock import told


@dataclass(frozen=True)
class Done:
    """One day, and the same one without what happened; ``engine`` and ``core`` say what stepped it."""

    settings: Settings
    record: Record
    rebounds: list[Rebound]
    engine: str
    core: str
    load: float
    noon_s: int

    @property
    def holds(self) -> bool:
        """Every rebound stayed under its level."""
        return all(one.holds for one in self.rebounds)

    @property
    def pace(self) -> float:
        """Building-seconds a second of CPU."""
        return len(self.settings.stock.drawn) * self.settings.seconds / self.record.cpu_s


def peak(record: Record) -> tuple[float, int]:
    """The highest mean of a minute in W, and its first second in the record."""
    minutes = record.total_w[: len(record.total_w) // 60 * 60].reshape(-1, 60).mean(axis=1)
    most = int(np.argmax(minutes))
    return float(minutes[most]), 60 * most


def clock(second: int, noon_s: int) -> str:
    """The clock's words for a second of the fleet's day."""
    at = (second + noon_s) % 86_400
    return f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}"


def document(done: Done, beside: Record | None) -> dict[str, Any]:
    """JSON-ready."""
    record, settings = done.record, done.settings
    watts, at = peak(record)
    made: dict[str, Any] = {
        "buildings": len(settings.stock.drawn),
        "made_of": told(settings.stock),
        "seed": settings.stock.seed,
        "seconds": settings.seconds,
        "records": settings.drive.origin,
        "engine": done.engine,
        "core": done.core,
        "load": done.load,
        "cpu_s": round(record.cpu_s, 2),
        "kernel_cpu_s": round(record.kernel_s, 2),
        "building_seconds_per_cpu_s": round(done.pace),
        "peak_w": round(watts),
        "peak_at": clock(settings.from_second + at, done.noon_s),
        "energy_wh": {sort: round(float(record.sorts_w[:, n].sum()) / 3600) for n, sort in enumerate(SORTS)},
        "over_max_count": int(record.over.max()),
        "over_building_s": int(record.over.sum()),
        "cars_lack_wh": round(record.cars_lack_wh),
        "coldest_room_c": round(record.coldest_c, 2),
        "released": "staged" if settings.plain_w is not None else "at once",
        "autonomous_share": settings.autonomous,
        "marks": [asdict(mark) for mark in record.marks],
        "rebounds": [{**asdict(one), "holds": one.holds} for one in done.rebounds],
        "digest": record.digest,
    }
    if beside is not None:
        watts, at = peak(beside)
        made["without_events"] = {
            "peak_w": round(watts),
            "peak_at": clock(settings.from_second + at, done.noon_s),
            "cars_lack_wh": round(beside.cars_lack_wh),
            "coldest_room_c": round(beside.coldest_c, 2),
        }
    return made


def rows(done: Done, beside: Record | None) -> Iterator[str]:
    """For a person."""
    record, settings = done.record, done.settings
    count = len(settings.stock.drawn)
    kinds = ", ".join(f"{number} {name}" for name, number in told(settings.stock).items())
    yield f"{count} buildings ({kinds}), seed {settings.stock.seed}"
    yield settings.drive.origin
    yield (
        f"{settings.seconds} s in {record.cpu_s:.1f} s of CPU on one core, kernel {record.kernel_s:.1f} s: "
        f"{done.pace / 1e6:.2f} million building-seconds a second "
        f"({done.engine}; {done.core}; load {done.load:.1f})"
    )
    watts, at = peak(record)
    yield f"peak     {_mw(watts)} at {clock(settings.from_second + at, done.noon_s)}"
    if beside is not None:
        watts, at = peak(beside)
        yield (
            f"without  {_mw(watts)} at {clock(settings.from_second + at, done.noon_s)} (nothing happened; "
            f"cars lack {beside.cars_lack_wh / 1e6:.2f} MWh, the coldest room has {beside.coldest_c:.1f} °C)"
        )
    yield from (
        f"{clock(mark.second, done.noon_s)} {mark.mode}, {mark.share:g} of each contract"
        for mark in record.marks
    )
    lack_mwh = record.cars_lack_wh / 1e6
    yield f"at the end cars still lack {lack_mwh:.2f} MWh, the coldest room has {record.coldest_c:.1f} °C"
    yield (
        f"above their cap by more than 2 % and 200 W: {int(record.over.max())} buildings at most, "
        f"{record.over.sum() / max(count * settings.seconds, 1):.3%} of the time"
    )
    for one in done.rebounds:
        yield (
            f"{'kept  ' if one.holds else 'BROKEN'} rebound: {one.why}: before {_mw(one.before_w)} "
            f"(until {clock(one.held_at, done.noon_s)}), held at most {_mw(one.during_w)}, released at "
            f"{clock(one.released_at, done.noon_s)}; closest to its level at "
            f"{clock(one.after_at, done.noon_s)}: {_mw(one.after_w)} of {_mw(one.level_w)} "
            f"({one.after_w / one.level_w - 1.0:+.1%}; had nothing happened {_mw(one.plain_w)})"
        )


def _mw(watts: float) -> str:
    return f"{watts / 1e6:.3f} MW" if abs(watts) >= 1e6 else f"{watts / 1e3:.1f} kW"
