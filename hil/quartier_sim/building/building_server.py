"""Serve a simulated building: run its time, print its orders, execute command lines."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import tomli_w

from quartier_sim.building import bus_wires
from quartier_sim.building.bus_wires import BusWires
from quartier_sim.building.command_handler import Answer, CommandHandler
from quartier_sim.building.control_protocol import ControlSocket
from quartier_sim.building.device_assignment import DeviceAssignment
from quartier_sim.building.simulated_building import SimulatedBuilding
from quartier_sim.building.site_file import Site
from quartier_sim.devices.simulated_device import Device
from quartier_sim.load_series.minute_series import LoadSeries
from quartier_sim.plant.asset_interface import PlantAsset
from quartier_sim.site_clock import RigClock

_DAY_S = 86_400.0
TABLE_FILE = "served.json"
SITE_COPY_FILE = "site.toml"
EXIT_OK, EXIT_FAILED, EXIT_REFUSED = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Devices to serve and the conditions."""

    site: Site
    assignment: DeviceAssignment
    series: LoadSeries
    clock: RigClock
    start: dt.datetime
    folder: Path
    host: str = "127.0.0.1"
    port_base: int | None = None
    soc_pct: float = 50.0
    base_w: float | None = None
    solar_w_per_kw: float | None = None
    seed: int = 1
    as_json: bool = False
    say: Callable[[str], None] = print
    listens: bool = False
    """True: commands come from lines of the standard input."""
    replacements: Mapping[str, PlantAsset] = field(default_factory=dict)
    """Models of some assets by name, such as FMUs, instead of the rig's own."""


@dataclass(slots=True)
class _PrintedOrders:
    """The orders of one device, as last printed."""

    orders: dict[str, float]
    writes_count: int


class BuildingServer:
    """One building; ``perform`` is its whole life."""

    def __init__(self, options: ServerOptions) -> None:
        self.options = options
        self.assignment = options.assignment
        self.house = SimulatedBuilding(
            options.site,
            options.assignment,
            soc_pct=options.soc_pct,
            start_utc_s=options.start.timestamp(),
            replacements=options.replacements,
        )
        self.house.base_w, self.house.solar_w_per_kw = options.base_w, options.solar_w_per_kw
        self.wires = BusWires(
            options.site,
            options.assignment,
            options.folder,
            host=options.host,
            port_base=options.port_base,
            rate=options.clock.rate,
            seed=options.seed,
        )
        self.failed_count = self.refused_count = 0
        self._desk = CommandHandler(self)
        self._over = asyncio.Event()
        self._turn = asyncio.Event()
        self._began_s = 0.0
        self._lag_s = self._lag_max_s = 0.0
        self._values: Mapping[str, float] = {}
        self._seen: dict[str, _PrintedOrders] = {}
        local = options.start
        self._day_s = local.hour * 3600.0 + local.minute * 60.0 + local.second
        self._step_s = min(max(options.clock.rate / 40.0, 0.25), 1.0)

    @property
    def now_s(self) -> float:
        """Plant seconds since the start."""
        return self.house.state.now_s

    def end(self) -> None:
        """It is over."""
        self._over.set()

    async def pass_s(self, seconds: float) -> None:
        """Let plant time pass."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            await self.wait_for_step()

    async def wait_for_step(self) -> None:
        """Wait for the next step of the plant."""
        await self._turn.wait()

    async def perform(self) -> int:
        """Serve until SIGINT, SIGTERM or ``quit``.

        Returns 2 where a line of the standard input could not be done, 1 where an expectation failed, else 0.

        Raises OSError when a wire, the folder or the control socket cannot be had.
        """
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.end)
                stack.callback(loop.remove_signal_handler, number)
            self.options.folder.mkdir(parents=True, exist_ok=True)
            control = ControlSocket(self.options.folder, self._asked)
            await control.open()  # first: links and table of another building are not ours to replace
            stack.push_async_callback(control.close)
            (self.options.folder / TABLE_FILE).unlink(missing_ok=True)
            self._live(self._step_s)
            await self.wires.serve()
            stack.push_async_callback(self.wires.close)
            stack.callback(self._write_addresses())
            async with asyncio.TaskGroup() as group:
                at_work = [group.create_task(self._go_on()), group.create_task(self._listen())]
                await self._over.wait()
                for task in at_work:
                    task.cancel()
        return EXIT_REFUSED if self.refused_count else EXIT_FAILED if self.failed_count else EXIT_OK

    def read_values(self) -> dict[str, float]:
        """Values of the plant, what each asset and each device is ordered now, and how late the rig is.

        ``rig.lag_s``: real seconds that the last step of the plant was late; ``rig.lag_max_s``: the maximum.
        """
        found = {**self._values, "rig.lag_s": self._lag_s, "rig.lag_max_s": self._lag_max_s}
        for name, orders in self.house.orders().items():
            found |= {f"{name}.{quantity}": value for quantity, value in orders.items()}
        for name, device in self.assignment.devices.items():
            found |= {f"{name}.{point}": value for point, value in device.orders().items()}
        return found

    # -- time --------------------------------------------------------------------------------

    async def _go_on(self) -> None:
        clock = self.options.clock
        self._began_s = clock.elapsed_s() - self.now_s
        while True:
            behind_s = clock.elapsed_s() - self._began_s - self.now_s
            if behind_s < self._step_s:
                await asyncio.sleep(clock.real_s(self._step_s - behind_s))
                continue
            self._lag_s = clock.real_s(behind_s - self._step_s)
            self._lag_max_s = max(self._lag_max_s, self._lag_s)
            self._live(self._step_s)
            self._report_orders()
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()
            # The devices answer on this loop: between two steps they must get their turn.
            await asyncio.sleep(0)

    def _live(self, dt_s: float) -> None:
        day_s = self._day_s + self.now_s
        drive = self.options.series.at(day_s % _DAY_S)
        self.house.step(replace(drive, day_s=day_s), dt_s)
        self._values = self.house.values()
        now = self.options.start + dt.timedelta(seconds=self.now_s)
        for name, played in self.assignment.played.items():
            shown = self.house.measure_device(name, self._values)
            if name in self.wires.meters:
                self.wires.meters[name].publish(shown, now)
            elif not isinstance(played.body, Device):
                played.body.tell(shown, now)
            elif not played.body.off:
                played.body.publish(shown)

    # -- what is told ------------------------------------------------------------------------

    def _write_addresses(self) -> Callable[[], None]:
        """Say where everything is, and leave it in the folder; what takes it away again."""
        options = self.options
        whole = bus_wires.build_json_table(self.wires.rows, self.assignment.absent, options.folder)
        (options.folder / SITE_COPY_FILE).write_text(
            "# Written by quartier-hil devices: the site file led to the rig.  It has no district.\n"
            + tomli_w.dumps(self.wires.copy)
        )
        draft = options.folder / f"{TABLE_FILE}.new"
        draft.write_text(json.dumps(whole, indent=2) + "\n")
        draft.replace(options.folder / TABLE_FILE)  # whoever waits for it never reads half of it
        self._report_orders(first=True)
        if options.as_json:
            options.say(json.dumps(whole))
        else:
            options.say(bus_wires.format_table(self.wires.rows, self.assignment.absent))
            options.say(
                f"\n{options.folder / SITE_COPY_FILE} is the site file led to these addresses; Ctrl-C ends.\n"
            )
        return lambda: (options.folder / TABLE_FILE).unlink(missing_ok=True)

    def _report_orders(self, *, first: bool = False) -> None:
        """A line for each order that is another than it was."""
        for name, device in self.assignment.devices.items():
            orders = dict(device.orders())
            before = self._seen.get(name)
            if before is not None and not first:
                whose = "written" if device.writes_count > before.writes_count else "by itself"
                whose = "lost its power" if device.off else whose
                for point, value in orders.items():
                    if value != before.orders.get(point):
                        self._report_order(name, point, before.orders.get(point), value, whose)
            self._seen[name] = _PrintedOrders(orders, device.writes_count)

    def _report_order(self, name: str, point: str, old: float | None, new: float, whose: str) -> None:
        fields = {"device": name, "point": point, "old": old, "value": new, "by": whose}
        was = "-" if old is None else f"{old:g}"
        self._say("order", f"{name}  {point}  {was} -> {new:g}  {whose}", **fields)

    def _say(self, event: str, text: str, **more: Any) -> None:
        now = self.options.start + dt.timedelta(seconds=self.now_s)
        if self.options.as_json:
            line = {"event": event, "t_s": round(self.now_s, 3), "time": now.isoformat(), **more}
            self.options.say(json.dumps(line))
        else:
            self.options.say(f"{now:%H:%M:%S}  {text}")

    # -- lines -------------------------------------------------------------------------------

    async def _asked(self, text: str) -> Answer:
        answer = await self._desk.obey(text)
        if text and not text.startswith("show"):
            self._say("line", f"{text}: {answer.text}", line=text, answer=answer.as_json())
        return answer

    async def _listen(self) -> None:
        """Obey the lines of the standard input, one after the other."""
        queue: asyncio.Queue[str] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def put(line: str) -> None:
            with contextlib.suppress(RuntimeError):  # it is over while somebody still types
                loop.call_soon_threadsafe(queue.put_nowait, line)

        if not self.options.listens or not _may_read_input():
            return
        threading.Thread(target=_read_lines, args=(put,), daemon=True).start()
        while True:
            text = await queue.get()
            answer = await self._asked(text)
            # Who wrote a script is not there to see that a line of it was none.
            self.refused_count += not answer.ok and not answer.failed
            if text.startswith(("show", "help")):
                self.options.say(json.dumps(answer.as_json()) if self.options.as_json else answer.text)


def _may_read_input() -> bool:
    """Return whether the standard input may be read: a background process that did would be stopped."""
    try:
        return not os.isatty(0) or os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _read_lines(put: Callable[[str], None]) -> None:
    """From the descriptor itself: a thread that waits in ``sys.stdin`` would hold its lock at the end."""
    heard = b""
    while True:
        try:
            data = os.read(0, 4096)
        except OSError:
            return
        if not data:
            break
        *lines, heard = (heard + data).split(b"\n")
        for line in lines:
            put(line.decode("utf-8", "replace").strip())
    if heard.strip():
        put(heard.decode("utf-8", "replace").strip())
