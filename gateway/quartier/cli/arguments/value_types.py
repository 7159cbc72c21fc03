"""Parse values of options: units, baud rates, parities, counts and answer times."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any, get_args

from quartier.cli.arguments import shared_options

UNIT_MAX = 255
ANSWER_MAX_MS = 10_000
INSTANCE_MAX = 4_194_302
SCAN_EXAMPLES = """\
URL: tcp://HOST[:PORT], rtu:/dev/ttyUSB0?baud=9600&parity=E or rtu://usb:SERIAL?baud=19200; other keys of
the bus's section may follow, such as timeout_s=1 for slow devices (default here: 0.5).

The scan reads one register of each unit, one unit at a time. A unit that answers (also with "illegal
address") is found.  The scan never writes.  Then it reads the registers that identify a profile:
sure      all identifying registers of the profile match
likely    some of them match, or another profile fits as well
  possible  only numbers in a plausible range: compare the maker's plate
A serial line has one master: stop the daemon first (systemctl stop quartier).

M-Bus: URL is tcp://HOST:PORT, /dev/ttyUSB0 or usb:SERIAL, then ?baud=2400.  All meters are searched by
secondary address, digit by digit if several answer at once, then the primary addresses 0 to 250.
With --units only these primary addresses, with --secondary only the meters that fit; --thorough asks a
silent meter twice, and searches further if one meter may hide others.  Slow meters need &timeout_s=1.

BACnet: URL is the network, eth0 or 192.168.1.5/24, then ?port=47808 and other keys of the bus's section.
Who-Is goes to the whole network, through ?bbmd=ADDRESS to other subnets; routers pass it.  --instances asks
range by range, if hundreds would answer at once; --at asks single addresses if broadcasts are blocked.
The UDP port of this machine must be free: stop the daemon first.

examples:
  quartier scan modbus tcp://192.168.1.20
  quartier scan modbus 'rtu:/dev/ttyUSB0?baud=9600' --units 1-20
  quartier scan modbus rtu:/dev/ttyUSB0 --bauds 9600,19200,38400 --parities N,E
  quartier scan mbus '/dev/ttyUSB0?baud=2400'
  quartier scan mbus usb:A50285BI --bauds 2400,300,9600
  quartier scan mbus tcp://192.168.1.30:10001 --secondary 1149FFFF
  quartier scan bacnet eth0
  quartier scan bacnet '192.168.1.5/24?bbmd=10.2.0.1' --instances 1-999,2001-2099

Exit codes: 0 a device answers · 1 none does, or the bus cannot be opened · 78 the URL is wrong.
"""
BUS_PLAN_HELP = """\
Each bus is simulated: the daemon's own drivers send their requests to simulated devices, on a wire with
calculated times: characters at the baud rate, silences, pauses, time-outs.  No real bus is opened.
The answer time of a device cannot be calculated: --answer-ms sets it, for all or for one (heatpump=150); else
its profile's answer_s; else 3.5 characters and 5 ms on a serial line, 5 ms on TCP are assumed.  A SunSpec
device is assumed to have the models that its profile looks for first.

  room left      free time in a period, after all requests with this period or a shorter one
  late at most   largest delay of a request that waited for others that were due before it
  silent         the same while these devices do not answer: they are set aside, and asked less often

examples:
  quartier bus plan site.toml
  quartier bus plan site.toml --answer-ms 20 --answer-ms heatpump=150 --dead 3

Exit codes: 0 every bus can do its work · 1 one cannot · 2 wrong use · 78 the site file is wrong.
"""


def parse_units(text: str) -> list[int]:
    """Read ``1-20,100``; raises ArgumentTypeError saying what was expected."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(f"{part!r} is wrong, expected units such as 1-20,100")
        span = range(int(first), int(last or first) + 1)
        if not span or span[-1] > UNIT_MAX:
            raise argparse.ArgumentTypeError(f"{part!r} is wrong, expected rising numbers of 0..{UNIT_MAX}")
        found += span
    return sorted(set(found))


def parse_instances(text: str) -> list[tuple[int, int]]:
    """Read ``1-999,2001`` as ranges; raises ArgumentTypeError saying what was expected."""
    found = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise argparse.ArgumentTypeError(f"{part!r} is wrong, expected instances such as 1-999,2001")
        low, high = int(first), int(last or first)
        if not low <= high <= INSTANCE_MAX:
            raise argparse.ArgumentTypeError(
                f"{part!r} is wrong, expected rising numbers of 0..{INSTANCE_MAX}"
            )
        found.append((low, high))
    return found


def add_bacnet_options(look: argparse.ArgumentParser) -> None:
    """Add the options of a scan that fit BACnet only."""
    look.add_argument(
        "--instances",
        type=parse_instances,
        metavar="1-999,2001",
        help="bacnet: which instances (default: all)",
    )
    look.add_argument("--at", metavar="ADDRESS,…", help="bacnet: ask these alone, 192.168.1.10 or 2001:5")
    look.add_argument(
        "--wait",
        type=shared_options.parse_positive_seconds,
        default=2.0,
        metavar="2s",
        help="bacnet: how long for answers (default: 2)",
    )


def parse_positive(text: str) -> float:
    """Read a number above 0; raises ArgumentTypeError saying what was expected."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is wrong, expected a number above 0")
    return number


def _parse_choices(known: Sequence[Any], text: str, kind: Callable[[str], Any]) -> list[Any]:
    names = [str(one) for one in known]
    wrong = [part for part in text.split(",") if part not in names]
    if wrong:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is wrong, expected some of {', '.join(names)}")
    return [kind(part) for part in text.split(",")]


def parse_bauds(text: str) -> list[int]:
    """Read ``9600,19200``."""
    from quartier_drivers.meter.bus_section import Baud  # noqa: PLC0415 - nobody but a scan needs it

    return _parse_choices(get_args(Baud), text, int)


def parse_parities(text: str) -> list[str]:
    """Read ``N,E``."""
    from quartier_drivers.modbus.bus_section import Parity  # noqa: PLC0415 - as above

    return _parse_choices(get_args(Parity), text, str)


def parse_answer_time(text: str) -> tuple[str, float]:
    """Read ``20`` or ``heatpump=150``, ms: the device (empty: all) and seconds, or ArgumentTypeError."""
    device, _, number = text.rpartition("=")
    try:
        answer_ms = float(number)
    except ValueError:
        answer_ms = 0.0
    if not 0 < answer_ms <= ANSWER_MAX_MS or (not device and "=" in text):
        expected = f"expected ms up to {ANSWER_MAX_MS}, such as 20 or heatpump=150"
        raise argparse.ArgumentTypeError(f"{text!r} is wrong, {expected}")
    return device, answer_ms / 1000


def parse_count(text: str) -> int:
    """Read a number that may be 0; ArgumentTypeError otherwise."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is wrong, expected a number")
    return int(text)
