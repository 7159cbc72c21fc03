"""BACnet/IP: devices whose objects are read, followed and commanded."""
