"""A request is answered once, whatever else comes."""

from tests.drivers.modbus.sharing.test_client_limits_terms import READ, terms

from quartier_drivers.modbus.sharing.client_requests import parse_request
from quartier_drivers.modbus.sharing.pending_requests import PendingRequest


def test_the_first_end_counts() -> None:
    given: list[tuple[bytes, str, str]] = []
    errand = PendingRequest(parse_request(1, READ), terms("10.0.0.1"), 0.0, lambda *what: given.append(what))
    errand.end(b"\3\2\0\7", "wire")
    errand.end(b"\x83\x0b", "unanswered", "given up")

    assert [(b"\3\2\0\7", "wire", "")] == given
    assert errand.is_over
