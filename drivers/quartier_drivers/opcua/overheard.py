"""What goes over a connection that the library has, said to a tape.

Only from the login on: what logs in may hold a password.
"""

from collections.abc import Callable
from typing import Any

from quartier_drivers.tape import Tape


def overhear(protocol: Any, tape: Callable[[], Tape | None]) -> None:
    """Have what a connected asyncio protocol hears and sends said to ``tape``, while there is one."""
    transport = protocol.transport
    hear, send = protocol.data_received, transport.write

    def heard(data: bytes) -> None:
        told = tape()
        if told is not None:
            told.heard(bytes(data))
        hear(data)

    def sent(data: bytes) -> None:
        told = tape()
        if told is not None:
            told.sent(bytes(data))
        send(data)

    protocol.data_received, transport.write = heard, sent
    told = tape()
    if told is not None:
        both = map(transport.get_extra_info, ("sockname", "peername"))
        ends = [f"{host}:{port}" for host, port, *_ in both]
        told.mark("opened", "logged in; what went before is not kept", *ends)
