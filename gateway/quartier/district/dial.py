"""Work that waits for a disk, a name server or the other end, in a thread that holds up no stop."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from quartier.district.broker import Unreachable

_UNSENT_MAX_BYTES = 32 * 1024


async def dial(name: str, work: Callable[[], None], abandon: Callable[[], None]) -> None:
    """Do ``work`` in a daemon thread of this name and wait for it.

    Raises Unreachable with what it said (OSError, ValueError).  Where nobody waits any more when it is
    done, ``abandon`` undoes it.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def finish(fault: str | None) -> None:
        if done.cancelled():
            abandon()
        else:
            done.set_result(fault)

    def run() -> None:
        fault: str | None = "the connecting thread failed"
        try:
            work()
            fault = None
        except (OSError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"
        finally:
            try:
                loop.call_soon_threadsafe(finish, fault)
            except RuntimeError:  # the loop is gone, and with it whoever waited
                abandon()

    threading.Thread(target=run, name=name, daemon=True).start()
    if (fault := await done) is not None:
        raise Unreachable(fault)


def prepare(endpoint: socket.socket) -> None:
    """Have a socket pass on at once what is written to it, and hold little."""
    with suppress(OSError):
        # Messages are written whole: a small one must not wait until the last one is acknowledged.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What the kernel holds cannot be overtaken by newer data.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_MAX_BYTES)
