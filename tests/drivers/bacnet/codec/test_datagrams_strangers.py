"""What strangers send reaches the library only where it is short, and of use."""

import pytest

from quartier_drivers.bacnet.codec.answers import hear
from quartier_drivers.bacnet.codec.datagrams import (
    NOTIFICATION_MAX,
    REQUEST_MAX,
    is_for_library,
    is_too_long,
)


def datagram(head, size):
    body = bytes.fromhex(head)
    body += bytes(size - 4 - len(body))
    return b"\x81\x0a" + size.to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("head", "longest"),
    [
        ("0104 0275010e", REQUEST_MAX),  # a request
        ("0100 1008", NOTIFICATION_MAX),  # Who-Is
        ("0100 1000", NOTIFICATION_MAX),  # I-Am
        ("0180 01", 1507),  # a router speaks
    ],
)
def test_each_kind_is_heard_up_to_its_length(head, longest):
    data, longer = datagram(head, longest), datagram(head, longest + 1)

    assert is_for_library(hear(data), len(data))
    assert not is_for_library(hear(longer), len(longer))


@pytest.mark.parametrize("answer", ["30f00e", "38f000040e", "20f00f", "50f00e910291", "60f009"])
def test_answers_are_not_heard_for_the_library_asks_nobody(answer):
    data = datagram(f"0100 {answer}", 60)

    assert not is_for_library(hear(data), len(data))


@pytest.mark.parametrize("service", ["02", "03", "04", "05", "06", "09", "0a", "0b", "ff"])
def test_services_that_nobody_here_does_are_not_heard(service):
    data = datagram(f"0100 10{service}", 40)

    assert not is_for_library(hear(data), len(data))


def test_who_asks_for_too_much_is_told_so():
    data = datagram("0104 0275010e", REQUEST_MAX + 1)

    assert is_too_long(hear(data), len(data))
    data = datagram("0100 1008", REQUEST_MAX + 1)
    assert not is_too_long(hear(data), len(data))
