"""Fixtures of several driver packages, and the event loop of each test."""

import asyncio
from pathlib import Path

from tests.drivers.modbus.conftest import clock, free_port, tcp_server
from tests.virtual_time import VirtualAsyncioLoop, VirtualDriverLoop

from quartier_drivers.transport.event_loop import EventLoop

__all__ = ["clock", "free_port", "tcp_server"]

# The drivers' loop does some work before a turn that asyncio's loop does within one.
ON_BOTH = {"test_stream", "test_tcp", "test_waiter"}
# Something happens outside the loop of the test: other processes, threads that the test blocks, kernel timers.
# One test proves that the silence between two frames is real.
REAL_TIME = {
    *("opcua", "network", "test_bell", "test_direct", "test_endpoint", "test_guest", "test_names"),
    "test_no_frame_comes_sooner_than_three_and_a_half_characters",
}


def pytest_asyncio_loop_factories(item):
    """Run a driver's tests on the daemon's own loop, and where it matters on asyncio's too.

    Where client and server both run on the test's loop, its time is virtual.
    """
    below = item.path.relative_to(Path(__file__).parent)
    is_real = item.get_closest_marker("peer") or REAL_TIME & {item.name, below.stem, *below.parts}
    loops = {"house": EventLoop if is_real else VirtualDriverLoop}
    if item.path.stem in ON_BOTH:
        loops["asyncio"] = asyncio.new_event_loop if is_real else VirtualAsyncioLoop
    return loops
