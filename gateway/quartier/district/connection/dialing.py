"""Run work that may block in a daemon thread; prepare a socket."""

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
# Of real time: longer than a disk may take.
_ANSWER_S = 5.0


async def run_in_thread(name: str, work: Callable[[], None], abandon: Callable[[], None]) -> None:
    """Do ``work`` in a daemon thread of this name and wait for it.

    Raises BrokerUnreachable with what it said (OSError, ValueError).  ``abandon`` undoes what failed
    half-way, and what is done when nobody waits for it any more.
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
            except RuntimeError:  # the loop is gone, and with it whoever waited
                abandon()

    threading.Thread(target=run, name=name, daemon=True).start()
    if (fault := await done) is not None:
        raise BrokerUnreachable(fault)


def ask_loop(loop: asyncio.AbstractEventLoop, question: Coroutine[Any, Any, ResultT]) -> ResultT:
    """In the thread: what ``question`` gives on the loop.  Raises OSError where nobody is there to ask."""
    try:
        return asyncio.run_coroutine_threadsafe(question, loop).result(_ANSWER_S)
    except (RuntimeError, CancelledError) as error:  # the loop is closed, or closing
        question.close()
        raise OSError("the link is being left") from error


def find_unsent_bytes(endpoint: socket.socket) -> int:
    """Bytes that the kernel took and did not send yet; 0 where it does not tell."""
    try:
        told = fcntl.ioctl(endpoint.fileno(), _SIOCOUTQNSD, bytes(4))
    except (OSError, ValueError):
        return 0
    return int.from_bytes(told, sys.byteorder)


def prepare_socket(endpoint: socket.socket) -> None:
    """Have a socket pass on at once what is written to it, and hold little."""
    with suppress(OSError):
        # Messages are written whole: a small one must not wait until the last one is acknowledged.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # What the kernel holds cannot be overtaken by newer data.
        endpoint.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT_MAX_BYTES)
