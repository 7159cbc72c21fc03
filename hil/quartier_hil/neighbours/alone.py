"""The same street without a district, in one process: what each house takes by its own control."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from quartier_hil.neighbours import story
from quartier_hil.offline.day import Day, Options
from quartier_hil.records.series import Series
from quartier_hil.scenario import Plug, Scenario

STEP_S = 2
"""A cycle each two seconds is near enough for a curve, and half the work."""


def load_w(houses: Sequence[Scenario], series: Callable[[int], Series]) -> list[float]:
    """By second of the evening, the sum of all houses that nobody leads."""
    total_w = [0.0] * int(story.ENDS_AT_S)
    for house in houses:
        for at, watts in enumerate(_house_w(house, series(house.seed))):
            total_w[at] += watts
    return total_w


def _house_w(house: Scenario, series: Series) -> list[float]:
    plug = Plug(at_s=story.PLUGGED_AT_S, do="plug", need_wh=story.NEED_WH)
    asked = house.model_copy(update={"events": (plug,), "cycle_s": float(STEP_S), "checks": ()})
    with TemporaryDirectory(prefix="quartier-alone-") as folder:
        day = Day(Options(scenario=asked, series=series, folder=Path(folder)))
        day.peer = replace(day.peer, up=False)
        day.perform()
    grid_w = dict(
        zip((int(at) for at in day.course.times_s), day.course.columns["grid.power_w"], strict=True)
    )
    last_w, found = 0.0, []
    for second in range(int(story.ENDS_AT_S)):
        last_w = grid_w.get(second, last_w)
        found.append(last_w)
    return found
