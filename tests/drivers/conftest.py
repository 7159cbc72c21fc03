"""Fixtures that more than one room of the drivers needs."""

import asyncio

from tests.drivers.modbus.conftest import clock, free_port, tcp_server

from quartier_drivers.loop import Loop

__all__ = ["clock", "free_port", "tcp_server"]

# What the house's loop does before it turns, another one does in a turn.
ON_BOTH = {"test_stream", "test_tcp", "test_waiter"}


def pytest_asyncio_loop_factories(item):
    """Every driver is tried on the daemon's own loop, and where it matters on asyncio's too."""
    house = {"house": Loop}
    return {**house, "asyncio": asyncio.new_event_loop} if item.path.stem in ON_BOTH else house
