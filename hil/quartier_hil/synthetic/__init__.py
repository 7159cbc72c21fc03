"""Scenarios and single parts of the gateway in one process with synthetic time: no wires, no waiting."""
