from quartier_hil.devices.bacnet import words


def test_numbers_are_told_apart():
    for table in (words.OBJECTS, words.PROPERTIES, words.UNITS):
        assert len(table) == len(set(table.values()))


def test_a_client_that_takes_least_takes_fifty_octets():
    assert 50 == min(words.APDU_MAX.values())
