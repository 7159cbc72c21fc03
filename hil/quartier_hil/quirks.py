"""Serves one quirk of the field by hand: ``quartier-hil quirks late --tcp 1502``."""

import asyncio
import sys

from quartier_hil.devices.odd import Odd, plain_unit, quirk
from quartier_hil.devices.oddpty import OddPty
from quartier_hil.devices.oddtcp import OddTcp
from quartier_hil.devices.quirk import QUIRKS

UNITS = (1, 2)
ABOUT = """\
Registers tell their own address: holding n holds n, input n holds 1000 + n, every third coil is on;
units 1 and 2 are there, and take writes.

  quartier-hil quirks                          which quirks there are
  quartier-hil quirks late --seconds 2 --tcp 1502
  quartier-hil quirks foreign-master --pty     prints the port to open
"""


def listing() -> str:
    """Each quirk with its sentence and the wires it is found on."""
    width = max(len(name) for name in QUIRKS)
    return "\n".join(f"{one.name:{width}}  {'/'.join(one.wires):7}  {one.about}" for one in QUIRKS.values())


def server(name: str, *, tcp: int | None, seconds: float | None, code: int | None) -> Odd:
    """A server with the quirk on a TCP port, or on a pty where none is named.

    Raises ValueError saying what was expected.
    """
    if name not in QUIRKS:
        raise ValueError(f"{name!r} is no quirk; quartier-hil quirks lists them")
    habit = quirk(name, seconds=seconds, code=code)
    wanted = "rtu" if tcp is None else "tcp"
    if wanted not in habit.wires:
        raise ValueError(f"{name} is a quirk of {'/'.join(habit.wires)} only")
    units = {unit: plain_unit() for unit in UNITS}
    return OddPty(units, habit) if tcp is None else OddTcp(units, habit, port=tcp)


async def serve(odd: Odd) -> None:
    """Serve until cancelled; says where on standard output, and each request on the error output."""
    assert isinstance(odd, OddPty | OddTcp)
    async with odd:
        sys.stdout.write(f"{odd.url}\n")
        sys.stdout.flush()
        told_count = 0
        while True:
            for unit, pdu in odd.asked[told_count:]:
                sys.stderr.write(f"unit {unit}: {pdu.hex(' ')}\n")
            told_count = len(odd.asked)
            await asyncio.sleep(0.2)
