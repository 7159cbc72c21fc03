"""Writes the safe values of a daemon that is gone: few imports, because each moment counts.

A section comes as the daemon dumped it, checked at that time; what an older daemon did not know has its
default.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from quartier_drivers.clock import LoopClock
from quartier_drivers.errors import LinkLost
from quartier_drivers.modbus.link import link
from quartier_drivers.modbus.replay import replayed

if TYPE_CHECKING:
    from quartier_drivers.modbus.bus import RtuBus, TcpBus

_NEEDED = {"kind", "host", "port"}
_SHARED = {"timeout_s": 1.0, "retries_count": 1, "pause_s": 0.0}
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
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


async def replay(bus: Mapping[str, Any], writes: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    """Make the encoded writes of ``releases``; return one line of text per failed write.

    A line that cannot be opened fails them all at once.  Once a unit was silent, its other writes wait until
    all the other units have had theirs.  Raises KeyError for an unknown kind of bus, and ValueError for a key
    that a newer version wrote: it may change the meaning of the others.
    """
    known = DEFAULTS[bus["kind"]]
    if strange := bus.keys() - known.keys() - _NEEDED:
        raise ValueError(f"{', '.join(sorted(strange))}: not known here")
    section = cast("TcpBus | RtuBus", SimpleNamespace(**{**known, **bus}))
    line = link("release", section, LoopClock())
    try:
        await line.open()
        return await replayed(line, writes)
    except LinkLost as error:
        return [f"{write['point']}: {error}" for write in writes]
    finally:
        await line.close()
