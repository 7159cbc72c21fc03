"""Assumptions about the planned day, such as ``--with ev1.departure=07:30``, and assets that are left out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from quartier.cli.plan.step_series import SeriesError, StepSeries
from quartier.planning.planning_day import PlanningDay
from quartier.planning.site.asset_selection import SERIES_POINTS, AssetSelection, ExcludedAsset
from quartier.site.asset_types import Asset, BatchLoad, Battery, ChargePointAsset, HeatAsset, WasteCollection
from quartier_drivers.device_profile.toml_files import suggest_key

_SWITCH_WORDS = {"1": 1.0, "on": 1.0, "yes": 1.0, "0": 0.0, "off": 0.0, "no": 0.0}
_WORD_RANGES = {
    "soc_pct": (0.0, 100.0),
    "target_soc_pct": (0.0, 100.0),
    "energy_wanted_wh": (0.0, 500_000.0),
    "session_energy_wh": (0.0, 500_000.0),
    "tank_c": (-30.0, 120.0),
    "draw_w": (0.0, 10_000_000.0),
    "left_s": (0.0, 86_400.0),
}
_BATCH_WORDS = ("waiting_on", "window_start", "deadline")
ASSUMABLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "battery": ("soc_pct", "target_soc_pct"),
    "ev": ("plugged_on", "arrival", "departure", "energy_wanted_wh", "session_energy_wh"),
    "heat": ("tank_c", "draw_w"),
    "waste": (*_BATCH_WORDS, "left_s"),
    "load": _BATCH_WORDS,
}
"""What may be said of an asset, by role."""


EXAMPLE_VALUES = {
    "soc_pct": "40",
    "energy_wanted_wh": "15000",
    "tank_c": "50",
}
_PLANNED_CLASSES: tuple[tuple[type[Asset], str], ...] = (
    (Battery, "battery"),
    (ChargePointAsset, "ev"),
    (HeatAsset, "heat"),
    (WasteCollection, "waste"),
    (BatchLoad, "load"),
)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One word: of which asset, of what, and the text."""

    asset: str
    word: str
    text: str

    @property
    def place(self) -> str:
        """Return where it stands, for a fault."""
        return f"--with {self.asset}.{self.word}={self.text}"


def find_planned_class(asset: Asset) -> str:
    """Return the role of an asset that can be planned; empty of any other."""
    return next((role for kind, role in _PLANNED_CLASSES if isinstance(asset, kind)), "")


def list_series_points(assets: Iterable[Asset]) -> list[str]:
    """List the columns that a series may have of these assets."""
    return [
        f"{asset.name}.{quantity}"
        for asset in assets
        for quantity in SERIES_POINTS.get(find_planned_class(asset), ())
    ]


def parse_assumptions(texts: Iterable[str], assets: Sequence[Asset]) -> list[Assumption]:
    """Return what was said, each of an asset that is there.  Raises SteplessError."""
    roles = {asset.name: find_planned_class(asset) for asset in assets if find_planned_class(asset)}
    made: list[Assumption] = []
    for text in texts:
        point, equals, value = text.partition("=")
        name, dot, key = point.partition(".")
        if not (equals and dot and value):
            raise SeriesError(f"--with {text}: expected ASSET.WORD=VALUE, such as ev1.departure=07:30")
        if name not in roles:
            known = suggest_key(name, [*roles]) if roles else "the site file has none"
            raise SeriesError(f"--with {text}: no asset {name!r} can be planned; {known}")
        keys = ASSUMABLE_WORDS[roles[name]]
        if key not in keys:
            hint = suggest_key(key, keys)
            raise SeriesError(f"--with {text}: nothing is called {key!r} of {name} ({roles[name]}); {hint}")
        if any((one.asset, one.word) == (name, key) for one in made):
            raise SeriesError(f"--with {text}: {point} is said twice")
        made.append(Assumption(name, key, value))
    return made


def apply_assumptions(assets: Iterable[Asset], assumptions: Iterable[Assumption]) -> list[Asset]:
    """Return the assets with the assumed hours in place of those of the site file."""
    found = {asset.name: asset for asset in assets}
    for one in assumptions:
        field = _TIME_FIELDS.get(one.word)
        day_s = None if field is None else _parse_clock_s(one)
        if field is not None and day_s is not None:
            changed: dict[str, Any] = {field: day_s}
            found[one.asset] = replace(found[one.asset], **changed)
    return list(found.values())


_TIME_FIELDS = {"departure": "departure_s", "window_start": "window_s", "deadline": "deadline_s"}


def make_day(
    steps: StepSeries,
    assumptions: Iterable[Assumption],
    soc_pct: float,
    target_pct: float,
    assets: Iterable[Asset],
) -> PlanningDay:
    """Make the day of the steps; ``soc_pct`` and ``target_pct`` are of each battery that has no own.

    Raises SteplessError.
    """
    here = PlanningDay(times=steps.times, step_s=steps.outlook.step_s, series=steps.series)
    known: dict[str, float] = {}
    for asset in assets:
        if isinstance(asset, Battery):
            known |= {f"{asset.name}.soc_pct": soc_pct, f"{asset.name}.target_soc_pct": target_pct}
    for one in assumptions:
        point = f"{one.asset}.{one.word}"
        if one.word in {"arrival", "departure"}:
            in_s = _find_delay_s(one, here)
            known |= {f"{point}_in_s": in_s} if in_s is not None else {}
        elif one.word.endswith("_on"):
            if one.text.lower() not in _SWITCH_WORDS:
                raise SeriesError(f"{one.place}: expected 1 or 0")
            known[point] = _SWITCH_WORDS[one.text.lower()]
        elif one.word in _WORD_RANGES:
            known[point] = _parse_number(one)
        elif _parse_clock_s(one) is None:
            raise SeriesError(f"{one.place}: expected a time of day, such as 07:30")
    return replace(here, known=known)


def _parse_number(one: Assumption) -> float:
    low, high = _WORD_RANGES[one.word]
    try:
        value = float(one.text)
    except ValueError:
        raise SeriesError(f"{one.place}: {one.text!r} is no number") from None
    if not low <= value <= high:
        raise SeriesError(f"{one.place}: expected {low:g} to {high:g}")
    return value


def _parse_clock_s(one: Assumption) -> float | None:
    """Seconds of the local day; None where it is no time of the day."""
    try:
        time = datetime.strptime(one.text, "%H:%M")  # noqa: DTZ007 - a time of any day
    except ValueError:
        return None
    return time.hour * 3600.0 + time.minute * 60.0


def _find_delay_s(one: Assumption, here: PlanningDay) -> float | None:
    """Seconds from the first step; None of a departure by the clock, which is the next after the arrival."""
    day_s = _parse_clock_s(one)
    if day_s is not None:
        if one.word == "departure":
            return None
        in_s = 0.0 if here.since_s(day_s) == 0.0 else here.find_next_s(day_s)
        return float(here.count * here.step_s) if in_s is None else in_s
    try:
        time = datetime.fromisoformat(one.text)
    except ValueError:
        raise SeriesError(f"{one.place}: expected a time, such as 07:30 or 2026-06-13T07:30") from None
    first = here.times[0]
    if first.tzinfo is None and time.tzinfo is not None:
        raise SeriesError(f"{one.place}: the times of the series have no offset; expected a time without one")
    if first.tzinfo is None:
        return (time - first).total_seconds()
    return (time if time.tzinfo else time.replace(tzinfo=first.tzinfo)).timestamp() - first.timestamp()


def explain_left_out(found: AssetSelection) -> list[str]:
    """Return a line for each asset that could be planned and is not."""
    return [f"{name}: {one.why}{_describe_next_step(one)}" for name, one in found.left_out.items()]


def _describe_next_step(one: ExcludedAsset) -> str:
    return "".join(f"; {line}" for line in _list_remedies(one.missing))


def _list_remedies(missing: str) -> Iterator[str]:
    if missing.startswith("assets."):
        yield f"see {missing} in the site file"
    elif missing:
        name, _, key = missing.partition(".")
        where = f" (or assets.{missing} in the site file)" if key == "energy_wanted_wh" else ""
        absent = f", or --with {name}.plugged_on=0" if key == "energy_wanted_wh" else ""
        yield f"say --with {missing}={EXAMPLE_VALUES[key]}{where}{absent}"
