"""A scenario as it will be run: random moments drawn, sizes of a recorded home taken over (pure)."""

import random
from collections.abc import Iterable

from quartier_hil import scenario as asked
from quartier_hil.records.series import Series


def prepared(scenario: asked.Scenario, series: Series) -> asked.Scenario:
    """The scenario with random kills drawn, and with the sizes of the recorded building where it has some."""
    rng = random.Random(scenario.seed)  # noqa: S311 - moments that can be repeated, no secret
    events: list[asked.Event] = []
    for event in scenario.events:
        if isinstance(event, asked.Kills):
            events += _drawn(event, rng)
        else:
            events.append(event)
    sizes = {
        key: value
        for key, value in (
            ("pv_w", series.pv_rated_w),
            ("battery_wh", series.battery_wh),
            ("battery_w", series.battery_w),
        )
        if value is not None
    }
    return scenario.model_copy(
        update={"events": tuple(events), "house": scenario.house.model_copy(update=sizes)}
    )


def _drawn(event: asked.Kills, rng: random.Random) -> Iterable[asked.Kill]:
    """Moments at random within equal slots, so that the daemon has lived a while before each."""
    slot_s = (event.until_s - event.at_s) / event.count
    for number in range(event.count):
        at_s = event.at_s + (number + rng.uniform(0.0, 0.5)) * slot_s
        yield asked.Kill(at_s=at_s, do="kill", down_s=event.down_s)
