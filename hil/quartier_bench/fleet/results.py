"""Results of a fleet's day: rebounds after each release, rows for people, a JSON document (pure)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from quartier_bench.fleet.building_stock import count_assets
from quartier_bench.fleet.district_limits import (
    BEFORE_HOLD_S,
    MEAN_S,
    compute_allowed_levels,
    compute_minute_means,
)
from quartier_bench.fleet.events import RESTART_S, FleetEvent
from quartier_bench.fleet.simulation import LOAD_KINDS, DayRecord, DaySettings, LinkChange

WATCHED_S = 12 * 3600
"""Rooms that were left cold ask for more until long after."""
TRANSITION_S = 2 * MEAN_S
"""What must tighten may take its time, and a mean of a minute is of what was before it too."""
TOLERANCE_SHARE = 0.01
"""What a meter of class 1 can tell; two days of one fleet differ by a part of it, hours after a restart."""
Hold = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Rebound:
    """One hold on the whole district, and its release; seconds of the day, means over a minute in W.

    ``before_w`` is the most in the quarter of an hour before the hold, ``during_w`` the most while it lasted
    (its first ``TAKES_S`` left out; of a shorter one the minute that ends with it); of what came after its
    release they are left out too.  ``after_w`` is what was taken at ``after_at``, the minute that came
    closest to its level or went furthest beyond, ``level_w`` that level (``easing.levels``), ``plain_w``
    what the same day would have taken then without any event.
    """

    why: str
    held_at: int
    released_at: int
    before_w: float
    during_w: float
    after_w: float
    after_at: int
    level_w: float
    plain_w: float

    @property
    def holds(self) -> bool:
        """The promise: no peak that is the hold's."""
        return self.after_w <= (1.0 + TOLERANCE_SHARE) * self.level_w


def find_rebounds(
    record: DayRecord, plain: DayRecord, events: Sequence[FleetEvent], first: int
) -> list[Rebound]:
    """Each hold that ended inside the record, whose first second is ``first`` of the day.

    ``plain`` is the same day without events.  A release is judged until something else happens to all,
    for twelve hours at most.
    """
    holds = sorted(_list_holds(record.marks, events), key=lambda one: one[1:])
    turns = {at for _, *both in holds for at in both}
    last = first + len(record.total_w)
    found = []
    for hold in holds:
        end = min({at for at in turns if at > hold[2]} | {last, hold[2] + WATCHED_S})
        one = _evaluate_hold(record, plain, hold, first, end)
        if one is not None:
            found.append(one)
    return found


def _list_holds(marks: Sequence[LinkChange], events: Sequence[FleetEvent]) -> Iterator[Hold]:
    """From the second in which less than the whole contract was allowed, to the one in which more was."""
    outages = [one for one in events if one.kind == "outage"]
    for one in events:
        if one.kind == "restart":
            yield one.words, one.at_s, one.at_s + RESTART_S
        elif one.kind == "outage":
            yield one.words, one.at_s, one.until_s
    held_at, share = None, 1.0
    for mark in marks:
        if held_at is None and mark.share < share:
            held_at = mark.second
        elif held_at is not None and mark.share > share:
            if not any(one.at_s <= held_at <= one.until_s for one in outages):
                yield f"{share:g} of each contract, then {mark.share:g} ({mark.mode})", held_at, mark.second
            held_at = None if mark.share >= 1.0 else held_at
        share = mark.share


def _evaluate_hold(record: DayRecord, plain: DayRecord, hold: Hold, first: int, end: int) -> Rebound | None:
    (why, held_at, released_at), total_w = hold, compute_minute_means(record.total_w)
    held, released = held_at - first, released_at - first
    before = total_w[max(held - BEFORE_HOLD_S, 0) : held]
    during = total_w[min(held + TRANSITION_S, released - 1) : released]
    begun = released + TRANSITION_S
    after = total_w[begun : end - first]
    if not len(before) or not len(after) or np.isnan(before).all():
        return None
    before_w, plain_w = float(np.nanmax(before)), compute_minute_means(plain.total_w)
    level = compute_allowed_levels(plain_w, before_w)
    most = begun + int(np.nanargmax(after / level[begun : end - first]))
    return Rebound(
        why,
        held_at,
        released_at,
        before_w,
        float(during.max()),
        float(total_w[most]),
        most + first,
        float(level[most]),
        float(plain_w[most]),
    )


@dataclass(frozen=True)
class DayResult:
    """One day, and the same one without what happened; ``engine`` and ``core`` say what stepped it."""

    settings: DaySettings
    record: DayRecord
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


def find_peak(record: DayRecord) -> tuple[float, int]:
    """The highest mean of a minute in W, and its first second in the record."""
    minutes = record.total_w[: len(record.total_w) // 60 * 60].reshape(-1, 60).mean(axis=1)
    most = int(np.argmax(minutes))
    return float(minutes[most]), 60 * most


def format_clock(second: int, noon_s: int) -> str:
    """The clock's words for a second of the fleet's day."""
    at = (second + noon_s) % 86_400
    return f"{at // 3600:02d}:{at // 60 % 60:02d}:{at % 60:02d}"


def make_document(done: DayResult, without_events: DayRecord | None) -> dict[str, Any]:
    """JSON-ready."""
    record, settings = done.record, done.settings
    watts, at = find_peak(record)
    made: dict[str, Any] = {
        "buildings": len(settings.stock.drawn),
        "made_of": count_assets(settings.stock),
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
        "peak_at": format_clock(settings.from_second + at, done.noon_s),
        "energy_wh": {
            sort: round(float(record.load_kinds_w[:, n].sum()) / 3600) for n, sort in enumerate(LOAD_KINDS)
        },
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
    if without_events is not None:
        watts, at = find_peak(without_events)
        made["without_events"] = {
            "peak_w": round(watts),
            "peak_at": format_clock(settings.from_second + at, done.noon_s),
            "cars_lack_wh": round(without_events.cars_lack_wh),
            "coldest_room_c": round(without_events.coldest_c, 2),
        }
    return made


def format_rows(done: DayResult, without_events: DayRecord | None) -> Iterator[str]:
    """For a person."""
    record, settings = done.record, done.settings
    count = len(settings.stock.drawn)
    kinds = ", ".join(f"{number} {name}" for name, number in count_assets(settings.stock).items())
    yield f"{count} buildings ({kinds}), seed {settings.stock.seed}"
    yield settings.drive.origin
    yield (
        f"{settings.seconds} s in {record.cpu_s:.1f} s of CPU on one core, kernel {record.kernel_s:.1f} s: "
        f"{done.pace / 1e6:.2f} million building-seconds a second "
        f"({done.engine}; {done.core}; load {done.load:.1f})"
    )
    watts, at = find_peak(record)
    yield f"peak     {_format_power(watts)} at {format_clock(settings.from_second + at, done.noon_s)}"
    if without_events is not None:
        watts, at = find_peak(without_events)
        yield (
            f"without  {_format_power(watts)} at {format_clock(settings.from_second + at, done.noon_s)} "
            f"(nothing happened; cars lack {without_events.cars_lack_wh / 1e6:.2f} MWh, "
            f"the coldest room has {without_events.coldest_c:.1f} °C)"
        )
    yield from (
        f"{format_clock(mark.second, done.noon_s)} {mark.mode}, {mark.share:g} of each contract"
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
            f"{'kept  ' if one.holds else 'BROKEN'} rebound: {one.why}: before {_format_power(one.before_w)} "
            f"(until {format_clock(one.held_at, done.noon_s)}), held at most {_format_power(one.during_w)}, "
            f"released at {format_clock(one.released_at, done.noon_s)}; closest to its level at "
            f"{format_clock(one.after_at, done.noon_s)}: {_format_power(one.after_w)} "
            f"of {_format_power(one.level_w)} ({one.after_w / one.level_w - 1.0:+.1%}; "
            f"had nothing happened {_format_power(one.plain_w)})"
        )


def _format_power(watts: float) -> str:
    return f"{watts / 1e6:.3f} MW" if abs(watts) >= 1e6 else f"{watts / 1e3:.1f} kW"
