"""The safe values of devices, written when their bus is left."""

import asyncio
from collections.abc import Sequence
from functools import partial

from quartier.runtime.clock import HouseClock
from quartier.runtime.health import Health
from quartier.runtime.supervisor import ended_well
from quartier.runtime.witness import Witness
from quartier.runtime.writes import Thrift


async def left(
    devices: Sequence[Health], witness: Witness, thrift: Thrift, clock: HouseClock, *, at_once: bool
) -> list[str]:
    """Write the safe values of these devices, one after the other or ``at_once``; goes on after any failure.

    One line for each device that failed.
    """
    failures: list[str] = []

    async def leave(health: Health) -> None:
        mine: list[str] = []
        well = await ended_well(health.driver.release, partial(_noted, mine, health.name))
        points = [point for point, info in health.driver.points.items() if info.writable]
        failures.extend(mine)
        witness.left(points, "done" if well else "unknown", "" if well else mine[-1], clock.now_ns())
        thrift.gave_back(points, clock.utc_ms())

    if at_once:
        await asyncio.gather(*(leave(health) for health in devices))
    else:
        for health in devices:
            await leave(health)
    return failures


def _noted(failures: list[str], name: str, error: Exception) -> None:
    failures.append(f"{name}: {error}")
