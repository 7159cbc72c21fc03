"""A Modbus server for other clients: their requests, limits and order."""
