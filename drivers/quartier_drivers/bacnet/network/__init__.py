"""The UDP port of a BACnet/IP network, its devices, and the requests that wait for answers."""
