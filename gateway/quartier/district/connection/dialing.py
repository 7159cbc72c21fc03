"""Run blocking work in a daemon thread; prepare a socket."""

import asyncio
import fcntl
import socket
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

from quartier.district.connection.mqtt_types import BrokerUnreachable

ResultT = TypeVar("ResultT")

_UNSENT_MAX_BYTES = 32 * 1024
_SIOCOUTQNSD = 0x894B  # linux/sockios.h
# In real time: longer than a disk may take.
_ANSWER_S = 5.0


async def run_in_thread(name: str, work: Callable[[], None], abandon: Callable[[], None]) -> None:
    """Do ``work`` in a daemon thread of this name and wait for it.

    Raises BrokerUnreachable with its error text (OSError, ValueError). ``abandon`` undoes work that failed
    half-way, and work that finishes after nobody waits for it any more.
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
            if fault is not None:
                abandon()
            try:
                loop.call_soon_threadsafe(finish, fault)
            except RuntimeError:  # the loop is gone, and with it the waiting task
                abandon()

    threading.Thread(target=run, name=name, daemon=True).start()
    if (fault := await done) is not None:
        raise BrokerUnreachable(fault)


def ask_loop(loop: asyncio.AbstractEventLoop, question: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run ``question`` on the loop from the thread and return its result.

    Raises OSError if the loop is gone.
    """
    try:
        return asyncio.run_coroutine_threadsafe(question, loop).result(_ANSWER_S)
    except (RuntimeError, CancelledError) as error:  # the loop is closed, or closing
        question.close()
        raise OSError("the link is being left") from error


def find_unsent_bytes(endpoint: socket.socket) -> int:
    """Return the bytes that the kernel accepted but has not sent yet; 0 if unknown."""
    try:
        data = fcntl.ioctl(endpoint.fileno(), _SIOCOUTQNSD, bytes(4))
    except (OSError, ValueError):
        return 0
    return int.from_bytes(data, sys.byteorder)


def prepare_socket(endpoint: socket.socket) -> None:
    """Make a socket send written data at once and buffer little."""
    with suppress(OSError):
        # Messages are written whole: a small one must not wait until the last one is acknowledged.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Newer data cannot overtake what the kernel buffers.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_MAX_BYTES)
