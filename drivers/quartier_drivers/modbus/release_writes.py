"""Make the line of a bus section, and write the release table of a stopped daemon over it.

A section comes as the daemon dumped it, already checked; keys that an older daemon did not know have their
defaults.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from quartier_drivers.errors import LinkLost, WireError
from quartier_drivers.modbus.frames import Request, render_exception
from quartier_drivers.modbus.wire.line import ModbusLine
from quartier_drivers.transport.event_loop import LoopClock

if TYPE_CHECKING:
    from quartier_drivers.contract import Clock
    from quartier_drivers.modbus.bus_section import RtuBus, TcpBus


def make_line(name: str, bus: "TcpBus | RtuBus", clock: "Clock") -> ModbusLine:
    """Return the line for a checked section of the site file."""
    if bus.kind == "modbus-tcp":
        if bus.framing == "rtu":
            from quartier_drivers.modbus.wire.rtu_over_tcp_line import (  # noqa: PLC0415 - few sites have one
                RtuOverTcpLine,
            )

            return RtuOverTcpLine(name, bus, clock)
        from quartier_drivers.modbus.wire.tcp_line import (  # noqa: PLC0415 - a serial site has no use for it
            TcpLine,
        )

        return TcpLine(name, bus, clock)
    from quartier_drivers.modbus.wire.serial_line import (  # noqa: PLC0415 - brings pyserial, no use without a port
        SerialRtuLine,
    )

    return SerialRtuLine(name, bus, clock)


def restore_write(write: Mapping[str, Any]) -> Request:
    """Return the write that ``dump_write`` encoded."""
    values = tuple(write["values"])
    return Request(write["unit"], write["function"], write["address"], len(values), values)


async def make_writes(line: ModbusLine, writes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Make every write once; return one line of text per failed write.

    The order stays within a unit.  Once a unit was silent, its other writes wait until all the other units
    have had theirs.
    """
    failures: list[str] = []
    silent: set[int] = set()
    left = deque(writes)
    turns_count = len(left)
    while left:
        write = left.popleft()
        if write["unit"] in silent and turns_count > 0:
            turns_count -= 1
            left.append(write)
            continue
        try:
            answer = await line.exchange(restore_write(write))
        except WireError as error:
            silent.add(write["unit"])
            failures.append(f"{write['point']}: {error}")
        else:
            if answer.exception:
                failures.append(f"{write['point']}: {render_exception(answer)}")
    return failures


async def run_release_steps(steps: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Make every step of a release.

    Goes on after a failed step, unless the bus is lost twice in a row; then raises the first failure.
    """
    failed: WireError | None = None
    lost_count = 0
    for step in steps:
        try:
            await step()
        except WireError as error:
            failed = failed or error
            lost_count = lost_count + 1 if isinstance(error, LinkLost) else 0
        else:
            lost_count = 0
        if lost_count > 1:
            break
    if failed is not None:
        raise failed


_NEEDED = {"kind", "host", "port"}
_SHARED = {"timeout_s": 1.0, "retries_count": 1, "pause_s": 0.0}
SECTION_DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "modbus-tcp": {**_SHARED, "port": 502, "framing": "tcp", "connect_pause_s": 0.0},
        "modbus-rtu": {
            **_SHARED,
            "baud": 9600,
            "parity": "N",
            "stop_bits": 1,
            "rts_on_send": None,
            "rts_before_s": 0.0,
            "rts_after_s": 0.0,
        },
    }
)
"""The defaults of a section; a test keeps them equal to the models of ``bus.py``."""


async def write_release(bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make the encoded writes of ``releases``; return one line of text per failed write.

    A line that cannot be opened fails them all at once.  Once a unit was silent, its other writes wait until
    all the other units have had theirs.  Raises KeyError for an unknown kind of bus, and ValueError for a key
    that a newer version wrote: it may change the meaning of the others.
    """
    known = SECTION_DEFAULTS[bus["kind"]]
    if strange := bus.keys() - known.keys() - _NEEDED:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    section = cast("TcpBus | RtuBus", SimpleNamespace(**{**known, **bus}))
    line = make_line("release", section, LoopClock())
    try:
        await line.open()
        return await make_writes(line, writes)
    except LinkLost as error:
        return [f"{write['point']}: {error}" for write in writes]
    finally:
        await line.close()
