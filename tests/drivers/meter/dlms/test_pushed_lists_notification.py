"""Data notifications, with and without a moment, and where a bare one ends."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.drivers.meter.dlms.conftest import NO_DEVIATION, array, clock, sealed, structure, u32
from tests.drivers.meter.dlms.conftest import notification as sent

from quartier_drivers.meter.dlms.axdr import MalformedData, TruncatedData
from quartier_drivers.meter.dlms.pushed_lists import find_apdu_size, parse_notification

BODY = structure(u32(7))


@pytest.mark.parametrize(
    ("expected", "apdu"),
    [
        ((b"", False), sent(BODY)),
        ((clock(), False), sent(BODY, clock())),
        ((clock(), True), sent(BODY, clock(), is_tagged=True)),
        ((b"", False), BODY),
        ((b"", False), array(u32(7))),
    ],
)
def test_a_notification_is_read(expected: tuple[bytes, bool], apdu: bytes) -> None:
    notice = parse_notification(apdu)

    assert expected == (notice.moment, notice.is_tagged)
    assert 7 == notice.body.items[0].value


@pytest.mark.parametrize(
    "apdu",
    [
        b"",
        b"\x0f",
        sent(BODY)[:-1],
        b"\xc4\x01\xc1\x00" + BODY,
        sent(BODY, b"\x01" * 5),
        sent(BODY) + b"\x01",
    ],
)
def test_what_is_none_is_malformed(apdu: bytes) -> None:
    with pytest.raises(MalformedData):
        parse_notification(apdu)


@pytest.mark.parametrize(
    "apdu",
    [
        sent(BODY),
        sent(BODY, clock(deviation=NO_DEVIATION)),
        sent(BODY, clock(), is_tagged=True),
        sealed(sent(BODY), 1),
        BODY,
        b"\xdd" + b"\0" * 5 + b"\0\x01\x07",
    ],
)
def test_the_end_of_a_bare_apdu_is_told_by_itself(apdu: bytes) -> None:
    assert len(apdu) == find_apdu_size(apdu + sent(BODY))
    for size in range(1, len(apdu)):
        with pytest.raises(TruncatedData):
            find_apdu_size(apdu[:size])


@given(st.binary(max_size=200))
def test_any_bytes_have_an_end_or_none(data: bytes) -> None:
    with suppress(MalformedData):
        assert 0 < find_apdu_size(data) <= len(data)
