"""What the room offers: a decoder and a reader by keywords."""

import pytest
from tests.drivers.meter.mbus.conftest import Line, Slave, converse, record, reply

from quartier_drivers.meter import mbus


def test_a_decoder_needs_no_settings():
    (found,) = mbus.decoder().feed(reply(record(1, "13")))

    assert "12345678" == found.meter


def test_a_reader_asks_by_primary_or_secondary_address():
    line = Line([Slave("11490378", primary=5), Slave("22490378", primary=6)])

    assert ["11490378", "22490378"] == [
        converse(mbus.reader(**how).read(), line)[0].meter
        for how in ({"unit": 5}, {"unit": 5, "address": "22490378"})
    ]


def test_a_wrong_secondary_address_is_refused():
    with pytest.raises(ValueError, match="expected 8 or 16 hex digits"):
        mbus.reader(address="12")
