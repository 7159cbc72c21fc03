"""A record is called by its bus and begin, and says what it is of."""

from tests.gateway.commissioning.wire_record.conftest import of

from quartier.commissioning.wire_record import record_file


def test_its_name_says_bus_begin_and_form(exchange):
    assert "lan-20261128T134517Z.pcapng" == record_file.make_file_name(exchange)
    assert "lan-20261128T134517Z.txt" == record_file.make_file_name(of("p1"))


def test_it_says_which_bus_where_and_how_its_clocks_stood(exchange):
    told = record_file.describe_record(exchange)

    assert "kind: modbus-tcp" in told
    assert "where: 10.0.0.3:502" in told
    assert "monotonic 8417.000 s was 2026-11-28T13:45:17.250000000Z" in told


def test_opc_ua_says_that_it_may_be_encrypted():
    assert "encrypted" in record_file.describe_record(of("opcua"))
