"""A wire without a socket between our requests and the rig's devices, whose encoding is its own."""

from quartier_drivers.errors import NoReply
from quartier_native.bacnet import hear
from quartier_sim.bacnet import udp_endpoint
from quartier_sim.bacnet.udp_endpoint import Packet


class Wire:
    """Carries each request to a station; ``deaf_bytes``: requests longer than that are lost on the way."""

    def __init__(self, station, deaf_bytes=10_000):
        self.station = station
        self.deaf_bytes = deaf_bytes
        self.sizes = []

    async def exchange(self, place, request):
        asked = udp_endpoint.parse_datagram(request.datagram(7))
        self.sizes.append(len(asked.data))
        reply = self.station.answer_confirmed(asked.data, place)
        if len(asked.data) > self.deaf_bytes or reply.pdu is None:
            raise NoReply(f"{place} is silent")
        data = udp_endpoint.build_datagram(Packet(reply.pdu))
        return data, hear(data)
