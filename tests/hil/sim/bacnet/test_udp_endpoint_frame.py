import pytest

from quartier_sim.bacnet import udp_endpoint
from quartier_sim.bacnet.udp_endpoint import NetworkAddress, Packet

WHO_IS = bytes.fromhex("1008")


@pytest.mark.parametrize(
    "one",
    [
        Packet(WHO_IS),
        Packet(WHO_IS, to=NetworkAddress(0xFFFF)),
        Packet(WHO_IS, to=NetworkAddress(2001, b"\5"), source=NetworkAddress(3, b"\xc0\xa8\1\2\xba\xc0")),
        Packet(b"\x07\xd1", message=udp_endpoint.I_AM_ROUTER),
    ],
)
def test_what_is_framed_is_read_again(one):
    assert one == udp_endpoint.parse_datagram(udp_endpoint.build_datagram(one))


def test_a_global_who_is_stands_as_in_annex_j():
    assert bytes.fromhex("810B000C 0120FFFF00FF 1008") == udp_endpoint.build_datagram(
        Packet(WHO_IS, to=NetworkAddress(0xFFFF)), udp_endpoint.BROADCAST
    )


def test_what_a_bbmd_forwards_is_read_behind_its_origin():
    octets = bytes.fromhex("8104000E C0A80102BAC0 0100 1008")

    assert Packet(WHO_IS) == udp_endpoint.parse_datagram(octets)


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "81",
        "820A0008 0100 1008",
        "810A0009 0100 1008",
        "81000006 0000",
        "810A0008 0200 1008",
        "810A0009 012007D105",
    ],
)
def test_what_is_no_packet_is_none(octets):
    assert udp_endpoint.parse_datagram(bytes.fromhex(octets)) is None
