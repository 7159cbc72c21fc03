"""Simulated Modbus devices: real wires, the makers' register maps, and quirks of devices in the field."""
