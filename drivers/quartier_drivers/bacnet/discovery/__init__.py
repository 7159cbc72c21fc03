"""Finding BACnet devices and reading them without a site file."""
