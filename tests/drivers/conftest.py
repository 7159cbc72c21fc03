"""Fixtures that more than one room of the drivers needs."""

from tests.drivers.modbus.conftest import clock, free_port, tcp_server

__all__ = ["clock", "free_port", "tcp_server"]
