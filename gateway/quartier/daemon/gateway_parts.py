"""The parts of the gateway that both the control loop and the answers to questions read."""

from dataclasses import dataclass
from typing import Any

from quartier.daemon.buses.lifecycle import BusManager
from quartier.runtime.clock import SiteClock
from quartier.site.process_image import ProcessImage
from quartier.store.history_store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """The running parts of one gateway: clock, newest readings, buses, history and log."""

    clock: SiteClock
    image: ProcessImage
    fleet: BusManager
    store: Store
    log: Any
