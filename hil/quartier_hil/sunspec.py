"""Serves one SunSpec device by hand: ``quartier-hil sunspec battery-7xx --habit timer-lost --tcp 1502``."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from quartier_hil.devices.endpoint import PtyEndpoint, TcpEndpoint, serve_pty, serve_tcp
from quartier_hil.devices.sunspec import draw
from quartier_hil.devices.sunspec.device import SunSpec
from quartier_hil.devices.sunspec.habit import HABITS
from quartier_hil.devices.sunspec.meter import SunSpecMeter
from quartier_hil.devices.sunspec.solar import SolarInverter
from quartier_hil.devices.sunspec.storage import BatteryInverter

TICK_S = 0.1
SUN_W = 3_600.0
Habits = Sequence[str]
DEVICES: Mapping[str, tuple[str, Callable[[Habits], SunSpec]]] = {
    "battery-1xx": (
        "a battery inverter, models 103 124 802",
        lambda told: BatteryInverter("1xx", habits=told),
    ),
    "battery-7xx": (
        "the same, models 701..704 713..715 802",
        lambda told: BatteryInverter("7xx", habits=told),
    ),
    "pv-1xx": ("a PV inverter, models 103 120..123 160", lambda told: SolarInverter("1xx", habits=told)),
    "pv-1xx-float": ("the same, model 113", lambda told: SolarInverter("1xx", floats=True, habits=told)),
    "pv-7xx": ("the same, models 701..704 714 715", lambda told: SolarInverter("7xx", habits=told)),
    "meter-203": ("a three-phase meter", lambda told: SunSpecMeter(203, habits=told)),
    "meter-213": ("the same in float", lambda told: SunSpecMeter(213, habits=told)),
    "all-1xx": ("random values in every model 1xx, 12x, 2xx", lambda told: _drawn(draw.FIRST, told)),
    "all-7xx": ("random values in every model 7xx and 80x", lambda told: _drawn(draw.SECOND, told)),
}
ABOUT = """\
Without a device: which devices and habits there are.  Unit 1.  A battery does as ordered at once, a PV
inverter has a steady sun; timers run in real time.

  quartier-hil sunspec battery-7xx --tcp 1502
  quartier-hil sunspec battery-1xx --habit timer-lost --habit short-reads=20 --pty
"""
_SEED = 1


def _drawn(numbers: Sequence[int], habits: Habits) -> SunSpec:
    return SunSpec(draw.models(numbers, _SEED), habits=habits)


def listing() -> str:
    """Each device and each habit with its sentence."""
    rows = [(name, about) for name, (about, _) in DEVICES.items()]
    rows += [("", ""), *((habit.name, habit.about) for habit in HABITS.values())]
    return "\n".join(f"{name:20} {about}".rstrip() for name, about in rows)


def made(name: str, habits: Habits) -> SunSpec:
    """The device ``name``.  Raises ValueError saying what was expected."""
    if name not in DEVICES:
        raise ValueError(f"{name!r} is no device; expected one of {', '.join(DEVICES)}")
    return DEVICES[name][1](habits)


def lives(device: SunSpec, now_s: float) -> None:
    """The device's clock reads ``now_s``, and it measures what it does."""
    device.tick(now_s)
    orders = device.orders()
    if "setpoint_w" in orders:
        device.publish({"power_w": orders["setpoint_w"]})
    elif "generation_max_w" in orders:
        device.publish({"power_w": -min(SUN_W, orders["generation_max_w"])})


async def serve(device: SunSpec, tcp: int | None) -> None:
    """Serve on a TCP port, or on a pty where none is named, until cancelled; print it on stdout."""
    with tempfile.TemporaryDirectory(prefix="quartier-sunspec-") as folder:
        endpoint: TcpEndpoint | PtyEndpoint = (
            await serve_pty(device, Path(folder) / "port")
            if tcp is None
            else await serve_tcp(device, port=tcp)
        )
        async with endpoint:
            sys.stdout.write(f"{endpoint.url}\n")
            sys.stdout.flush()
            start_s = time.monotonic()
            while True:
                lives(device, time.monotonic() - start_s)
                await asyncio.sleep(TICK_S)
