"""The common parts of simulated devices: base class, faults, meter values, ports, catalog.

The rig makes a device (``catalog.make_device``), puts it on a wire (``modbus.endpoints.serve_tcp`` or
``serve_pty``), calls ``tick`` and ``publish`` each step of the plant and reads ``orders``.  Nothing of the
simulated devices is shared with the drivers that they test: framing, CRC and number formats are their own,
and the register maps are typed from the manuals.
"""
