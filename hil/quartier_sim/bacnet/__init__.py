"""Simulated BACnet/IP devices: ASHRAE 135-2020 encoded by hand, so that no stack checks itself."""
