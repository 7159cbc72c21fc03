"""Read Modbus devices without a site file: one device, all units of a bus, the profiles that fit."""
