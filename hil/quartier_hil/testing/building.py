"""A simulated building for tests in Python: starts ``quartier-hil devices`` and gives it commands."""

import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from quartier_sim.building.control_protocol import send_line

_STOP_REAL_S = 15.0
_STDERR_LINES_MAX = 40


class BuildingNotServed(OSError):  # noqa: N818 - a state of the building, as its text says
    """The building could not be served, or has ended; the text is what the rig wrote."""


class CommandRefused(ValueError):  # noqa: N818 - names what happened to the command
    """The building does not know this command, device, point or fault; the text says what it expected."""


class ExpectationFailed(AssertionError):  # noqa: N818 - reads as the result of a test
    """A value of the building was not as expected in time."""


@dataclass(frozen=True, slots=True)
class DeviceAddress:
    """The place of a device: ``address`` is HOST:PORT, opc.tcp://HOST:PORT/… or the path of a serial port."""

    bus: str
    protocol: str
    address: str
    unit: int
    device: str
    profile: str

    @property
    def host(self) -> str:
        """The host of a device on a network.  Raises ValueError for a serial port."""
        return self._split()[0]

    @property
    def port(self) -> int:
        """The port of a device on a network.  Raises ValueError for a serial port."""
        return self._split()[1]

    def _split(self) -> tuple[str, int]:
        parts = urlsplit(self.address if "://" in self.address else f"//{self.address}")
        if parts.hostname is None or parts.port is None:
            raise ValueError(
                f"{self.device} is on the serial port {self.address}: it has no host and no port"
            )
        return parts.hostname, parts.port


@dataclass(frozen=True, slots=True)
class Order:
    """A change of an order in a device, ``t_s`` seconds of the building after its start.

    ``by``: "written", "by itself" (the timer of the device ended it) or "lost its power".
    """

    t_s: float
    device: str
    point: str
    old: float | None
    value: float
    by: str


class SimulatedBuilding:
    """All buses and devices of a site file on real sockets and serial ports, in a process of its own.

    Use it as a context manager.  Every method but ``wait`` and ``expect`` returns at once.  Methods raise
    CommandRefused for a name that the building does not have, and BuildingNotServed if its process has ended.
    """

    def __init__(
        self,
        site_file: Path | str,
        folder: Path | str,
        *,
        load_w: float | None = None,
        sun_w_per_kw: float | None = None,
        soc_pct: float = 50.0,
        rate: float = 1.0,
        port_base: int = 0,
        seed: int = 1,
        fmus: Mapping[str, Path | str] | None = None,
    ) -> None:
        """Describe a building; it starts with ``with``.

        ``folder``: for serial ports, ``site.toml`` with the addresses, and ``rig.log``; one building each.
        ``load_w``: power of the rest of the building, ``sun_w_per_kw``: power of the sun per kW of modules;
        None: a day by standard profiles.  ``soc_pct``: of batteries at the start.  ``rate``: seconds of the
        building per real second.  ``port_base``: first port, 0: free ports.  ``seed``: of all that is random.
        ``fmus``: models of assets as FMUs, by the name of the asset, each a file as ``--fmu`` takes it.
        """
        self.folder = Path(folder)
        self._arguments = ["devices", str(site_file), "--folder", str(folder), "--json"]
        options = {"--load": load_w, "--sun": sun_w_per_kw, "--soc": soc_pct, "--rate": rate}
        options |= {"--port-base": port_base, "--seed": seed}
        self._arguments += [f"{key}={value}" for key, value in options.items() if value is not None]
        self._arguments += [f"--fmu={name}={file}" for name, file in (fmus or {}).items()]
        self._process: subprocess.Popen[str] | None = None
        self._reader = threading.Thread(target=self._read_events, daemon=True)
        self._orders: list[Order] = []
        self.devices: Mapping[str, DeviceAddress] = {}
        """Address of each device by its name in the site file."""
        self.not_simulated: Mapping[str, str] = {}
        """The reason for each device that the rig cannot simulate; such a device is silent."""

    def __enter__(self) -> Self:
        """Start the building; return when every device listens.  Raises BuildingNotServed."""
        if self._process is not None:
            raise BuildingNotServed("a building is started once; make another SimulatedBuilding")
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "rig.log").open("w", encoding="utf-8") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, with words, no shell
                [sys.executable, "-m", "quartier_hil.cli", *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        try:
            self._take_addresses(self._process.stdout.readline())
        except BaseException:
            self._stop(self._process)
            raise
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the building: its ports and links are gone afterwards."""
        assert self._process is not None
        self._stop(self._process)

    def _stop(self, process: subprocess.Popen[str]) -> None:
        process.terminate()
        try:
            process.wait(_STOP_REAL_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader.is_alive():
            self._reader.join()
        assert process.stdout is not None
        process.stdout.close()

    @property
    def site_file(self) -> Path:
        """The site file with the addresses of this building, without district."""
        return self.folder / "site.toml"

    @property
    def orders(self) -> tuple[Order, ...]:
        """Every change of an order so far; one of this moment comes with the next step of the building."""
        return tuple(self._orders)

    @property
    def lag_max_s(self) -> float:
        """The longest time that a step of the building was late so far, in real seconds.

        A controller may miss its deadline because the machine of the rig was too slow, not by a fault.
        """
        return self.read("rig.lag_max_s")

    def read(self, point: str) -> float:
        """Return a value of the plant or an order of a device now, for example ``grid.power_w``."""
        return self.read_all(point)[point]

    def read_all(self, pattern: str = "*") -> Mapping[str, float]:
        """Return all values whose names match a pattern of the shell, for example ``*.power_w``."""
        return dict(self._send("show", pattern)["values"])

    def expect(self, expression: str, *, within_s: float = 0.0, for_s: float = 0.0) -> None:
        """Wait until ``POINT OPERATOR VALUE`` is true, and for ``for_s`` after that.

        Operators: <= >= < > == !=.  Times are in seconds of the building.  Raises ExpectationFailed if it is
        not true after ``within_s``, or does not stay true.
        """
        __tracebackhide__ = True  # a report of pytest ends in the line of the test
        self._send("expect", *expression.split(), f"within={within_s:g}", f"for={for_s:g}")

    def wait(self, seconds: float) -> None:
        """Let time of the building pass."""
        self._send("wait", f"{seconds:g}")

    def cause_fault(self, device_or_bus: str, kind: str, **options: object) -> None:
        """Cause a fault; ``quartier-hil tell help`` lists kinds and options."""
        self._send("fault", device_or_bus, kind, *(f"{key}={value}" for key, value in options.items()))

    def clear_faults(self, device_or_bus: str = "all") -> None:
        """End the faults of a device, of all devices of a bus, or of all."""
        self._send("clear", device_or_bus)

    def unplug_bus(self, bus: str) -> None:
        """Pull a serial adapter out of the gateway: its port is gone."""
        self._send("pull", bus)

    def plug_bus(self, bus: str) -> None:
        """Put a serial adapter back."""
        self._send("put", bus)

    def plug_car(self, charger: str, energy_wh: float = 40_000.0) -> None:
        """A car comes to a charging station and asks for this energy."""
        self._send("plug", charger, f"{energy_wh:g}")

    def unplug_car(self, charger: str) -> None:
        """The car leaves."""
        self._send("unplug", charger)

    def set_load(self, power_w: float | None) -> None:
        """Set the power of the rest of the building; None: the day's course."""
        self._send("load", "own" if power_w is None else f"{power_w:g}")

    def set_sun(self, w_per_kw: float | None) -> None:
        """Set the power of the sun per kW of modules; None: the day's course."""
        self._send("sun", "own" if w_per_kw is None else f"{w_per_kw:g}")

    def set_soc(self, battery: str, soc_pct: float) -> None:
        """Set the state of charge of a battery."""
        self._send("soc", battery, f"{soc_pct:g}")

    def set_grid(self, *, frequency_hz: float | None = None, voltage_v: float | None = None) -> None:
        """Set frequency or voltage of the public grid."""
        for verb, value in (("frequency", frequency_hz), ("voltage", voltage_v)):
            if value is not None:
                self._send(verb, f"{value:g}")

    def set_contact(self, name: str, *, closed: bool) -> None:
        """Close or open a contact of the grid operator."""
        self._send("contact", name, "closed" if closed else "open")

    def _send(self, *words: str) -> dict[str, Any]:
        __tracebackhide__ = True
        try:
            answer = send_line(self.folder, shlex.join(words), 0.0)
        except OSError:
            raise BuildingNotServed(self._describe_end()) from None
        text = f"{' '.join(words)}: {answer['text']}"
        if answer["failed"]:
            raise ExpectationFailed(text)
        if not answer["ok"]:
            raise CommandRefused(text)
        return answer

    def _take_addresses(self, line: str) -> None:
        if not line:
            assert self._process is not None
            self._process.wait(_STOP_REAL_S)
            raise BuildingNotServed(self._describe_end())
        table = json.loads(line)
        names = DeviceAddress.__dataclass_fields__
        self.devices = {
            row["device"]: DeviceAddress(**{key: row[key] for key in names}) for row in table["served"]
        }
        self.not_simulated = {row["key"]: row["why"] for row in table["not_served"]}

    def _read_events(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with suppress(ValueError):  # the pipe was closed
            for line in self._process.stdout:
                event = json.loads(line) if line.startswith("{") else {}
                if event.get("event") == "order":
                    self._orders.append(Order(**{key: event[key] for key in Order.__dataclass_fields__}))

    def _describe_end(self) -> str:
        code = None if self._process is None else self._process.poll()
        lines = []
        with suppress(OSError):
            lines = (self.folder / "rig.log").read_text(encoding="utf-8").splitlines()
        state = "was not started: use it with `with`" if self._process is None else f"ended, exit code {code}"
        return "\n".join([f"the building {state}", *lines[-_STDERR_LINES_MAX:]])
