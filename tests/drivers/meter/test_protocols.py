"""Each protocol's sub-package is found by its name, and given the keys it needs."""

import pytest

from quartier_drivers.meter.keys import Keys
from quartier_drivers.meter.protocols import KEYED, decoder
from quartier_drivers.registry import METERS


def test_a_decoder_is_found_by_its_protocol():
    assert [] == decoder("tic", {}).feed(b"")
    assert 0 == decoder("tic", {}).counts.good_count


def test_keys_go_only_where_something_is_encrypted():
    assert [] == decoder("tic", {}, Keys(b"0" * 16)).feed(b"")
    assert set(KEYED) < set(METERS)


def test_what_is_no_protocol_of_meters_is_refused():
    with pytest.raises(ValueError, match="'modbus' is no protocol of meters"):
        decoder("modbus", {})
