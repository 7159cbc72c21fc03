"""Who a client is, and what it may; what it may not has the exception of the standard."""

from ipaddress import ip_address, ip_network

import pytest

from quartier_drivers.modbus.sharing.client_limits import ClientTerms, find_client, parse_peer_address
from quartier_drivers.modbus.sharing.client_requests import RequestRefused, parse_request
from quartier_drivers.modbus.sharing.register_spans import parse_spans

WRITE = b"\x06\x03\xe8\x00\x01"  # register 1000
READ = b"\x03\x00\x00\x00\x01"
COUNTER = b"\x08\x00\x0b\x00\x00"
IDENTITY = b"\x2b\x0e\x01\x00"


def terms(*networks: str, name: str = "portal", **may: object) -> ClientTerms:
    return ClientTerms(name, tuple(map(ip_network, networks)), frozenset({1, 2}), **may)  # type: ignore[arg-type]  # of a test's choice


def code(of: ClientTerms, unit: int, pdu: bytes) -> int:
    try:
        of.judge(parse_request(unit, pdu))
    except RequestRefused as refusal:
        return refusal.code
    return 0


def test_who_reads_may_read_the_units_there_are_and_nothing_else() -> None:
    reader = terms("10.0.0.1")

    assert [0, 10, 10, 1, 1, 1] == [
        code(reader, unit, pdu)
        for unit, pdu in ((1, READ), (3, READ), (0, WRITE), (1, WRITE), (1, COUNTER), (1, IDENTITY))
    ]


def test_who_may_write_somewhere_may_write_there_only() -> None:
    writer = terms("10.0.0.1", writes=parse_spans(["1/holding:1000..1009", "2/coil:7"]))
    coil, register, mask = b"\x05\x00\x07\xff\x00", b"\x06\x03\xf2\x00\x01", b"\x16\x03\xe8\0\0\0\0"

    assert [0, 2, 2, 0, 2, 1] == [
        code(writer, unit, pdu)
        for unit, pdu in ((1, WRITE), (2, WRITE), (1, register), (2, coil), (1, coil), (1, mask))
    ]


def test_what_is_written_counts_not_what_is_read_back_with_it() -> None:
    writer = terms("10.0.0.1", writes=parse_spans(["1/holding:1000 by 23"]))
    there, elsewhere = b"\x17\0\0\0\1\x03\xe8\0\1\2\0\7", b"\x17\x03\xe8\0\1\0\0\0\1\2\0\7"

    assert [0, 2] == [code(writer, 1, pdu) for pdu in (there, elsewhere)]


def test_diagnoses_are_for_who_may_make_them() -> None:
    assert [0, 0] == [code(terms("10.0.0.1", diagnostics=True), 1, pdu) for pdu in (COUNTER, IDENTITY)]


@pytest.mark.parametrize(
    ("address", "name"),
    [("10.0.0.7", "laptop"), ("10.0.0.40", "portal"), ("10.0.1.40", None), ("::ffff:10.0.0.40", "portal")],
)
def test_the_narrowest_network_says_who_it_is(address: str, name: str | None) -> None:
    every = (terms("10.0.0.0/24", name="laptop"), terms("10.0.0.40", "fe80::1", name="portal"))
    found = find_client(parse_peer_address(address), every)

    assert name == (found and found.name)


def test_an_address_with_its_interface_is_that_address() -> None:
    assert ip_address("fe80::1") == parse_peer_address("fe80::1%eth0")
