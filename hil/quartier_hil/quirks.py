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
  quartier-hil quirks noise --rtu-tcp 1502     serial frames over TCP: framing = "rtu" of a modbus-tcp bus
"""


def listing() -> str:
    """Each quirk with its sentence and the wires it is found on."""
    width = max(len(name) for name in QUIRKS)
    return "\n".join(f"{one.name:{width}}  {'/'.join(one.wires):7}  {one.about}" for one in QUIRKS.values())


# What others on a serial line do, and what only the header of Modbus TCP has: none of it is in a tunnel.
_NOT_IN_A_TUNNEL = frozenset({"echo", "foreign-master", "foreign-twin", "foreign-babble", "old-number"})


def server(name: str, *, tcp: int | None, seconds: float | None, code: int | None, rtu: bool = False) -> Odd:
    """A server with the quirk on a TCP port, or on a pty where none is named.

    With ``rtu`` the frames on TCP are those of a serial line, as a transparent serial server passes them on.
    Raises ValueError saying what was expected.
    """
    if name not in QUIRKS:
        raise ValueError(f"{name!r} is no quirk; quartier-hil quirks lists them")
    habit = quirk(name, seconds=seconds, code=code)
    wanted = "rtu" if tcp is None else "tcp"
    if rtu and tcp is not None:
        if name in _NOT_IN_A_TUNNEL:
            raise ValueError(f"{name} is no quirk of serial frames over TCP")
        return OddTcp({unit: plain_unit() for unit in UNITS}, habit, port=tcp, rtu=True)
    if wanted not in habit.wires:
        raise ValueError(f"{name} is a quirk of {'/'.join(habit.wires)} only")
    units = {unit: plain_unit() for unit in UNITS}
    return OddPty(units, habit) if tcp is None else OddTcp(units, habit, port=tcp)


async def serve(odd: Odd) -> None:
    """Serve until cancelled; print the address on standard output, and each request on the error output."""
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
