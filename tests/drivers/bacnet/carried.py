"""A wire without a socket between our requests and the rig's devices, whose encoding is its own."""

from quartier_drivers.errors import NoReply
from quartier_hil.devices.bacnet import frame
from quartier_hil.devices.bacnet.frame import Packet
from quartier_native.bacnet import hear


class Wire:
    """Carries each request to a station; ``deaf_bytes``: requests longer than that are lost on the way."""

    def __init__(self, station, deaf_bytes=10_000):
        self.station = station
        self.deaf_bytes = deaf_bytes
        self.sizes = []

    async def exchange(self, place, request):
        asked = frame.packet(request.datagram(7))
        self.sizes.append(len(asked.data))
        reply = self.station.asked(asked.data, place)
        if len(asked.data) > self.deaf_bytes or reply.pdu is None:
            raise NoReply(f"{place} is silent")
        data = frame.datagram(Packet(reply.pdu))
        return data, hear(data)
