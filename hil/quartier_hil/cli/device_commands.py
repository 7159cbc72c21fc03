"""`quartier-hil quirks`, `sunspec` and `capture`: serve one simulated device, or print telegrams of a
smart meter.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from quartier_sim.meters.captures import CAPTURES
from quartier_sim.meters.line_noise import LINE_QUALITIES, damage_telegrams
from quartier_sim.meters.telegrams import Statement
from quartier_sim.modbus.endpoints import PtyEndpoint, TcpEndpoint, serve_pty, serve_tcp
from quartier_sim.modbus.quirk_servers import QuirkyRtuSlave, QuirkyTcpServer
from quartier_sim.modbus.quirks import QUIRKS, QuirkyDevice, make_plain_unit, make_quirk
from quartier_sim.sunspec import random_models
from quartier_sim.sunspec.battery_inverter import BatteryInverter
from quartier_sim.sunspec.measurements import SunSpecMeter
from quartier_sim.sunspec.pv_inverter import SolarInverter
from quartier_sim.sunspec.sunspec_device import HABITS, SunSpecDevice

QUIRK_UNITS = (1, 2)
QUIRKS_ABOUT = """\
Registers tell their own address: holding n holds n, input n holds 1000 + n, every third coil is on;
units 1 and 2 are there, and take writes.

  quartier-hil quirks                          which quirks there are
  quartier-hil quirks late --seconds 2 --tcp 1502
  quartier-hil quirks foreign-master --pty     prints the port to open
  quartier-hil quirks noise --rtu-tcp 1502     serial frames over TCP: framing = "rtu" of a modbus-tcp bus
"""


def list_quirks() -> str:
    """Each quirk with its sentence and the wires it is found on."""
    width = max(len(name) for name in QUIRKS)
    return "\n".join(f"{one.name:{width}}  {'/'.join(one.wires):7}  {one.about}" for one in QUIRKS.values())


# What others on a serial line do, and what only the header of Modbus TCP has: none of it is in a tunnel.
_NOT_IN_A_TUNNEL = frozenset({"echo", "foreign-master", "foreign-twin", "foreign-babble", "old-number"})


def make_quirk_server(
    name: str, *, tcp: int | None, seconds: float | None, code: int | None, rtu: bool = False
) -> QuirkyDevice:
    """A server with the quirk on a TCP port, or on a pty where none is named.

    With ``rtu`` the frames on TCP are those of a serial line, as a transparent serial server passes them on.
    Raises ValueError saying what was expected.
    """
    if name not in QUIRKS:
        raise ValueError(f"{name!r} is no quirk; quartier-hil quirks lists them")
    habit = make_quirk(name, seconds=seconds, code=code)
    wanted = "rtu" if tcp is None else "tcp"
    if rtu and tcp is not None:
        if name in _NOT_IN_A_TUNNEL:
            raise ValueError(f"{name} is no quirk of serial frames over TCP")
        return QuirkyTcpServer({unit: make_plain_unit() for unit in QUIRK_UNITS}, habit, port=tcp, rtu=True)
    if wanted not in habit.wires:
        raise ValueError(f"{name} is a quirk of {'/'.join(habit.wires)} only")
    units = {unit: make_plain_unit() for unit in QUIRK_UNITS}
    return QuirkyRtuSlave(units, habit) if tcp is None else QuirkyTcpServer(units, habit, port=tcp)


async def serve_quirk(odd: QuirkyDevice) -> None:
    """Serve until cancelled; print the address on standard output, and each request on the error output."""
    assert isinstance(odd, QuirkyRtuSlave | QuirkyTcpServer)
    async with odd:
        sys.stdout.write(f"{odd.url}\n")
        sys.stdout.flush()
        printed_count = 0
        while True:
            for unit, pdu in odd.asked[printed_count:]:
                sys.stderr.write(f"unit {unit}: {pdu.hex(' ')}\n")
            printed_count = len(odd.asked)
            await asyncio.sleep(0.2)


TICK_S = 0.1
SUN_W = 3_600.0
Habits = Sequence[str]
SUNSPEC_DEVICES: Mapping[str, tuple[str, Callable[[Habits], SunSpecDevice]]] = {
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
    "all-1xx": (
        "random values in every model 1xx, 12x, 2xx",
        lambda told: _make_random_device(random_models.FIRST_GENERATION, told),
    ),
    "all-7xx": (
        "random values in every model 7xx and 80x",
        lambda told: _make_random_device(random_models.SECOND_GENERATION, told),
    ),
}
SUNSPEC_ABOUT = """\
Without a device: which devices and habits there are.  Unit 1.  A battery does as ordered at once, a PV
inverter has a steady sun; timers run in real time.

  quartier-hil sunspec battery-7xx --tcp 1502
  quartier-hil sunspec battery-1xx --habit timer-lost --habit short-reads=20 --pty
"""
_SUNSPEC_SEED = 1


def _make_random_device(numbers: Sequence[int], habits: Habits) -> SunSpecDevice:
    return SunSpecDevice(random_models.generate_models(numbers, _SUNSPEC_SEED), habits=habits)


def list_sunspec_devices() -> str:
    """Each device and each habit with its sentence."""
    rows = [(name, about) for name, (about, _) in SUNSPEC_DEVICES.items()]
    rows += [("", ""), *((habit.name, habit.about) for habit in HABITS.values())]
    return "\n".join(f"{name:20} {about}".rstrip() for name, about in rows)


def make_sunspec_device(name: str, habits: Habits) -> SunSpecDevice:
    """The device ``name``.  Raises ValueError saying what was expected."""
    if name not in SUNSPEC_DEVICES:
        raise ValueError(f"{name!r} is no device; expected one of {', '.join(SUNSPEC_DEVICES)}")
    return SUNSPEC_DEVICES[name][1](habits)


def advance_device(device: SunSpecDevice, now_s: float) -> None:
    """The device's clock reads ``now_s``, and it measures what it does."""
    device.tick(now_s)
    orders = device.orders()
    if "setpoint_w" in orders:
        device.publish({"power_w": orders["setpoint_w"]})
    elif "generation_max_w" in orders:
        device.publish({"power_w": -min(SUN_W, orders["generation_max_w"])})


async def serve_sunspec(device: SunSpecDevice, tcp: int | None) -> None:
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
                advance_device(device, time.monotonic() - start_s)
                await asyncio.sleep(TICK_S)


CAPTURE_ABOUT = f"""\
captures: {", ".join(CAPTURES)}
lines:    {", ".join(LINE_QUALITIES)}

Ciphered ones use the keys 000102…0f (encryption) and d0d1d2…df (authentication).
"""


def write_capture(
    name: str,
    out: BinaryIO,
    *,
    seed: int = 1,
    count: int = 200,
    line: str = "clean",
    expected: Path | None = None,
) -> None:
    """Write ``count`` telegrams of a capture as received over a line of ``noise.LINES``.

    ``expected`` gets a line with a JSON object for each statement that passed whole.
    Raises KeyError for an unknown name or line, OSError where it cannot be written.
    """
    output = damage_telegrams(CAPTURES[name](seed, count), LINE_QUALITIES[line], seed)
    out.write(output.data)
    if expected is not None:
        rows = [
            json.dumps(_make_expected_row(statement)) for piece in output.intact for statement in piece.says
        ]
        expected.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def _make_expected_row(statement: Statement) -> dict[str, Any]:
    """Empty fields are left out."""
    row = {
        "label": statement.label,
        "value": statement.value,
        "unit": statement.unit,
        "time": statement.time,
        "more": dict(statement.more),
    }
    return {key: value for key, value in row.items() if value not in ("", {}) or key == "value"}


KEPT, NO_RUN = 0, 2


def add_quirks_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command ``quirks`` and its options."""
    parser = commands.add_parser(
        "quirks",
        help="list the quirks of Modbus devices in the field, or serve one",
        description="A Modbus server that misbehaves in one way, to try a client or a cable on.",
        epilog=QUIRKS_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="QUIRK", help="which one to serve [none: list them all]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, metavar="PORT", help="on this port of 127.0.0.1 [1502]")
    where.add_argument(
        "--rtu-tcp",
        type=int,
        metavar="PORT",
        help="the same with serial frames, as a serial server passes them on",
    )
    where.add_argument("--pty", action="store_true", help="on a pseudo terminal, as a serial port")
    parser.add_argument("--seconds", type=float, help="the time in the description of the quirk")
    parser.add_argument("--code", type=int, help="the exception code in the description of the quirk")
    parser.set_defaults(command=_run_quirks, needed=())


def _run_quirks(options: argparse.Namespace) -> int:
    if options.name is None:
        print(list_quirks())
        return KEPT
    is_rtu = options.rtu_tcp is not None
    port = options.rtu_tcp if is_rtu else options.tcp
    tcp = None if options.pty else 1502 if port is None else port
    try:
        odd = make_quirk_server(options.name, tcp=tcp, seconds=options.seconds, code=options.code, rtu=is_rtu)
        asyncio.run(serve_quirk(odd))
    except (ValueError, OSError) as error:
        print(f"quartier-hil: {error}", file=sys.stderr)
        return NO_RUN
    except KeyboardInterrupt:
        pass
    return KEPT


def add_sunspec_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command ``sunspec`` and its options."""
    parser = commands.add_parser(
        "sunspec",
        help="list the rig's SunSpec devices and their habits, or serve one",
        description="A SunSpec device with timers of its own, to try a client or `quartier arm` on.",
        epilog=SUNSPEC_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", nargs="?", metavar="DEVICE", help="which one to serve [none: list them all]")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tcp", type=int, metavar="PORT", help="on this port of 127.0.0.1 [1502]")
    where.add_argument("--pty", action="store_true", help="on a pseudo terminal, as a serial port")
    parser.add_argument("--habit", action="append", default=[], metavar="HABIT", help="may be repeated")
    parser.set_defaults(command=_run_sunspec, needed=())


def _run_sunspec(options: argparse.Namespace) -> int:
    if options.name is None:
        print(list_sunspec_devices())
        return KEPT
    tcp = None if options.pty else 1502 if options.tcp is None else options.tcp
    try:
        asyncio.run(serve_sunspec(make_sunspec_device(options.name, options.habit), tcp))
    except (ValueError, LookupError, OSError) as error:
        print(f"quartier-hil: {error}", file=sys.stderr)
        return NO_RUN
    except KeyboardInterrupt:
        pass
    return KEPT


def add_capture_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the sub-command ``capture`` and its options."""
    parser = commands.add_parser(
        "capture",
        help="write the bytes of simulated smart meters, to test a decoder",
        description="Writes seeded random telegrams of a smart meter to stdout, clean or as a bad line "
        "gives them, and what they say to a file.",
        epilog=CAPTURE_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=CAPTURES, metavar="CAPTURE", help="which one, see below")
    parser.add_argument("--count", type=int, default=200, help="telegrams [%(default)s]")
    parser.add_argument("--seed", type=int, default=1, help="seed of the telegrams [%(default)s]")
    parser.add_argument("--line", choices=LINE_QUALITIES, default="clean", help="quality of the line [clean]")
    parser.add_argument(
        "--expected",
        type=Path,
        metavar="FILE",
        help="write the undamaged telegrams here, one JSON object a line",
    )
    parser.set_defaults(command=_run_capture, needed=())


def _run_capture(options: argparse.Namespace) -> int:
    write_capture(
        options.name,
        sys.stdout.buffer,
        seed=options.seed,
        count=options.count,
        line=options.line,
        expected=options.expected,
    )
    return KEPT
