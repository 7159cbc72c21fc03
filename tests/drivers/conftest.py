"""Fixtures that more than one room of the drivers needs."""

from tests.drivers.modbus.conftest import clock as clock
from tests.drivers.modbus.conftest import free_port as free_port
from tests.drivers.modbus.conftest import tcp_server as tcp_server
