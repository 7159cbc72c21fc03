from quartier_sim.bacnet import encoding


def test_numbers_are_told_apart():
    for table in (encoding.OBJECT_TYPES, encoding.PROPERTIES, encoding.UNITS):
        assert len(table) == len(set(table.values()))


def test_a_client_that_takes_least_takes_fifty_octets():
    assert 50 == min(encoding.APDU_MAX.values())
