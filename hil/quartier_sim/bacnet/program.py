"""BACnet devices as a program of their own, to be killed, frozen and restarted.

    python -m quartier_sim.bacnet.program PLAN.json

It prints ``ready PORT`` and serves until it is stopped.  Its values change each second.
"""

import asyncio
import contextlib
import json
import math
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from quartier_sim.bacnet.bacnet_device import BacnetDevice
from quartier_sim.bacnet.building_controllers import RoomController, VentilationUnit
from quartier_sim.bacnet.services import Capabilities
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, serve_udp

_TICK_S = 0.5
_MIDDLE_C, _SWING_C, _PERIOD_S = 21.0, 4.0, 40.0


class ServedDevice(BaseModel):
    """One device; behind a router it has ``network`` and ``mac``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["room", "ventilation"] = "room"
    instance: Annotated[int, Field(ge=0, le=4_194_302)]
    network: Annotated[int, Field(ge=1, le=65_534)] | None = None
    mac: Annotated[int, Field(ge=0, le=255)] = 1
    sensors_count: Annotated[int, Field(ge=1, le=1000)] = 1
    apdu_max: Literal[50, 128, 206, 480, 1024, 1476] = 1476
    multiple: bool = True
    changes: bool = True

    @property
    def place(self) -> NetworkAddress | None:
        """Its address behind the router; None: at the port itself."""
        return None if self.network is None else NetworkAddress(self.network, bytes([self.mac]))

    def station(self) -> BacnetDevice:
        """The device."""
        habits = Capabilities(self.apdu_max, reads_multiple=self.multiple, sends_cov=self.changes)
        if self.kind == "ventilation":
            return VentilationUnit(self.instance, habits=habits)
        return RoomController(self.instance, sensors_count=self.sensors_count, habits=habits)


class ServerPlan(BaseModel):
    """Stations to serve and their address; ``broadcast`` absent: on loopback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    broadcast: str | None = None
    stations: Annotated[list[ServedDevice], Field(min_length=1)]


def update_values(stations: list[BacnetDevice], now_s: float) -> None:
    """Let time go on to ``now_s``: warmer and colder in turn, each device a little after the one before."""
    for place, station in enumerate(stations):
        station.tick(now_s)
        swing = _SWING_C * math.sin(2 * math.pi * now_s / _PERIOD_S + place)
        if isinstance(station, RoomController):
            station.publish({"room_c": _MIDDLE_C + swing, "power_w": 500.0 + 100.0 * swing})
        else:
            station.publish({"supply_c": _MIDDLE_C + swing, "speed_pct": station.orders()["speed_pct"]})


async def serve_plan(plan: ServerPlan) -> None:
    """Serve until SIGTERM.  Raises OSError where the port is taken."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stations = {one.place: one.station() for one in plan.stations}
    began_s = time.monotonic()
    async with await serve_udp(stations, plan.host, plan.port, broadcast=plan.broadcast) as endpoint:
        sys.stdout.write(f"ready {endpoint.port}\n")
        sys.stdout.flush()
        while not stop.is_set():
            update_values(list(stations.values()), time.monotonic() - began_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _TICK_S)


def main(argv: list[str]) -> int:
    """Serve the plan in the file of the one argument."""
    (file,) = argv
    asyncio.run(serve_plan(ServerPlan.model_validate(json.loads(Path(file).read_text(encoding="utf-8")))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
