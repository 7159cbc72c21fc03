"""Simulated devices: real Modbus wires, the makers' register maps, and every way to misbehave.

The rig makes a device (``catalog.make``), puts it on a wire (``endpoint.serve_tcp`` or
``endpoint.serve_pty``), calls ``tick`` and ``publish`` each step of the plant and reads
``orders``.  Nothing here is shared with the drivers it tests: framing, CRC and number formats
are its own, and the register maps are typed from the manuals.
"""
