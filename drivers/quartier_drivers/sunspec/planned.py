"""All requests of a SunSpec driver once it has identified its device."""

from collections.abc import Iterator

from quartier_drivers.modbus import rehearsed
from quartier_drivers.modbus.frame import read_request
from quartier_drivers.rehearsal import Ask
from quartier_drivers.schema import Limits
from quartier_drivers.sunspec.driver import SunspecDriver
from quartier_drivers.sunspec.looks import LOOK_S, Looks
from quartier_drivers.sunspec.models import HEAD_WORDS
from quartier_drivers.sunspec.rounds import Round


def asks(driver: SunspecDriver, unit: int, limits: Limits) -> list[Ask]:
    """Return each request of its plan; empty before it is open, and without the heartbeat of an order."""
    if driver.polled is None:
        return []
    return [*rehearsed.asks(driver.polled.jobs, limits), *_beside(driver, unit, limits)]


def _beside(driver: SunspecDriver, unit: int, limits: Limits) -> Iterator[Ask]:
    for one in driver.beside:
        places: list[tuple[int, int]] = []
        period_s = LOOK_S
        if isinstance(one, Round):
            places, period_s = [(block.start, block.count) for block in one.blocks], one.period_ns / 1e9
        elif isinstance(one, Looks):  # the furthest and one of the others, in turn
            places = [(found.address, HEAD_WORDS) for found in one.models[-1:] + one.models[:-1][:1]]
        for start, count in places:
            yield rehearsed.asked(read_request(unit, "holding", start, count), period_s, limits)
