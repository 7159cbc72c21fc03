"""Span of a scenario by the site's calendar, in whole quarter hours."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from quartier_hil.scenario import Scenario

ZONE = ZoneInfo("Europe/Paris")
QUARTER_S = 900


@dataclass(frozen=True, slots=True)
class Span:
    """From the scenario's start on, as many quarters as are over at its end."""

    begin: dt.datetime
    count: int

    @property
    def labels(self) -> list[str]:
        """The start of each quarter hour in the site's time, with its offset."""
        return [self._local(number).isoformat(" ", "seconds") for number in range(self.count)]

    @property
    def asked(self) -> tuple[str, str]:
        """Begin and end as a person asks for them.

        A date where it is midnight, and an offset where a time comes twice.
        """
        return _words(self._local(0)), _words(self._local(self.count))

    def _local(self, number: int) -> dt.datetime:
        utc = self.begin.astimezone(dt.UTC) + dt.timedelta(seconds=QUARTER_S * number)
        return utc.astimezone(ZONE)


def of(scenario: Scenario) -> Span:
    """The span of a scenario.  Its start must be the begin of a quarter, or the first is not one."""
    return Span(scenario.start.replace(tzinfo=ZONE), int(scenario.duration_s // QUARTER_S))


def _words(local: dt.datetime) -> str:
    if local.time() == dt.time():
        return local.date().isoformat()
    is_twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return (local if is_twice else local.replace(tzinfo=None)).isoformat(timespec="minutes")
