"""The clock and the reports that each service of the gateway uses."""

from dataclasses import dataclass
from typing import Any

from quartier.runtime.clock import SiteClock
from quartier.site.records import RecordEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceContext:
    """The clock of the site, the function that records an event in the history, and the log."""

    clock: SiteClock
    event: RecordEvent
    log: Any
