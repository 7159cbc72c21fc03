"""Prepare a scenario for a run: draw random times, expand fault sequences, find its quarter hours (pure).
Sizes of a recorded home replace those of the scenario.
"""

import datetime as dt
import random
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from quartier_hil.scenario import fault_rules
from quartier_hil.scenario import scenario_file as asked
from quartier_hil.scenario.events import DaemonStop, FaultEnd, FaultEvent, FaultSequence, RandomKills
from quartier_hil.scenario.scenario_file import Scenario
from quartier_hil.scenario.site import SiteSpec
from quartier_sim.load_series.minute_series import LoadSeries


def prepare_scenario(scenario: asked.Scenario, series: LoadSeries) -> asked.Scenario:
    """The scenario with kills drawn, each verb in turn, and the sizes of the recorded building, if any."""
    rng = random.Random(scenario.seed)  # noqa: S311 - moments that can be repeated, no secret
    events: list[asked.Event] = []
    for event in scenario.events:
        if isinstance(event, RandomKills):
            events += _draw_times(event, rng)
        elif isinstance(event, FaultSequence):
            events += expand_fault_sequence(scenario.house, event)
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


def _draw_times(event: RandomKills, rng: random.Random) -> Iterable[DaemonStop]:
    """Draw random moments within equal slots, so that the daemon has run for some time before each."""
    slot_s = (event.until_s - event.at_s) / event.count
    for number in range(event.count):
        at_s = event.at_s + (number + rng.uniform(0.0, 0.5)) * slot_s
        yield DaemonStop(at_s=at_s, do="kill", down_s=event.down_s)


def expand_fault_sequence(site_spec: SiteSpec, event: FaultSequence) -> Iterable[FaultEvent | FaultEnd]:
    """The faults of each verb that fits, one after the other, and the blind turn where it is asked for."""
    place = 0
    for verb in event.kinds:
        arguments = event.build_arguments(verb)
        if not fault_rules.explain_refusal(site_spec, event.device, verb, arguments):
            at_s, place = event.begins_s(place), place + 1
            yield FaultEvent(at_s=at_s, do="fault", device=event.device, kind=verb, **arguments)
            yield FaultEnd(at_s=at_s + event.for_s, do="clear", device=event.device)
    if event.blind_at_s is not None:
        for device, for_s in ((event.device, event.silent_s), ("meter", event.for_s)):
            yield FaultEvent(at_s=event.blind_at_s, do="fault", device=device, kind="silent")
            yield FaultEnd(at_s=event.blind_at_s + for_s, do="clear", device=device)


def remove_planner(scenario: asked.Scenario) -> asked.Scenario:
    """Return the same days of a site without a planner, without checks."""
    site_spec = scenario.house.model_copy(update={"planning": None})
    events = tuple(one for one in scenario.events if one.do != "planner")
    return scenario.model_copy(update={"house": site_spec, "events": events, "checks": ()})


SITE_ZONE = ZoneInfo("Europe/Paris")
QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class QuarterSpan:
    """From the scenario's start on, as many quarters as are over at its end."""

    begin: dt.datetime
    count: int

    @property
    def labels(self) -> list[str]:
        """The start of each quarter hour in the site's time, with its offset."""
        return [self._local(number).isoformat(" ", "seconds") for number in range(self.count)]

    @property
    def local_times(self) -> tuple[str, str]:
        """Begin and end as a person asks for them.

        A date where it is midnight, and an offset where a time comes twice.
        """
        return _format_local_time(self._local(0)), _format_local_time(self._local(self.count))

    def _local(self, number: int) -> dt.datetime:
        utc = self.begin.astimezone(dt.UTC) + dt.timedelta(seconds=QUARTER_S * number)
        return utc.astimezone(SITE_ZONE)


def make_quarter_span(scenario: Scenario) -> QuarterSpan:
    """The span of a scenario.  Its start must be the begin of a quarter, or the first is not one."""
    return QuarterSpan(scenario.start.replace(tzinfo=SITE_ZONE), int(scenario.duration_s // QUARTER_S))


def _format_local_time(local: dt.datetime) -> str:
    if local.time() == dt.time():
        return local.date().isoformat()
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return (local if is_twice else local.replace(tzinfo=None)).isoformat(timespec="minutes")
