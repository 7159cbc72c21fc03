"""A scenario as it will be run: moments drawn, verbs laid out, sizes of a recorded home taken over (pure)."""

import random
from collections.abc import Iterable

from quartier_hil import scenario as asked
from quartier_hil import verbs
from quartier_hil.happenings import Verbs
from quartier_hil.house import House
from quartier_hil.records.series import Series


def prepared(scenario: asked.Scenario, series: Series) -> asked.Scenario:
    """The scenario with kills drawn, each verb in turn, and the sizes of the recorded building, if any."""
    rng = random.Random(scenario.seed)  # noqa: S311 - moments that can be repeated, no secret
    events: list[asked.Event] = []
    for event in scenario.events:
        if isinstance(event, asked.Kills):
            events += _drawn(event, rng)
        elif isinstance(event, Verbs):
            events += each(scenario.house, event)
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
    """Draw random moments within equal slots, so that the daemon has run for some time before each."""
    slot_s = (event.until_s - event.at_s) / event.count
    for number in range(event.count):
        at_s = event.at_s + (number + rng.uniform(0.0, 0.5)) * slot_s
        yield asked.Kill(at_s=at_s, do="kill", down_s=event.down_s)


def each(house: House, event: Verbs) -> Iterable[asked.Failure | asked.Clear]:
    """The faults of each verb that fits, one after the other, and the blind turn where it is asked for."""
    place = 0
    for verb in event.asked:
        told = event.told(verb)
        if not verbs.refusal(house, event.device, verb, told):
            at_s, place = event.begins_s(place), place + 1
            yield asked.Failure(at_s=at_s, do="fault", device=event.device, kind=verb, **told)
            yield asked.Clear(at_s=at_s + event.for_s, do="clear", device=event.device)
    if event.blind_at_s is not None:
        for device, for_s in ((event.device, event.silent_s), ("meter", event.for_s)):
            yield asked.Failure(at_s=event.blind_at_s, do="fault", device=device, kind="silent")
            yield asked.Clear(at_s=event.blind_at_s + for_s, do="clear", device=device)


def unplanned(scenario: asked.Scenario) -> asked.Scenario:
    """Return the same days of a site without a planner, without checks."""
    house = scenario.house.model_copy(update={"planning": None})
    events = tuple(one for one in scenario.events if one.do != "planner")
    return scenario.model_copy(update={"house": house, "events": events, "checks": ()})
