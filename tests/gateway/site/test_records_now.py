from quartier.site.records import Now


def test_an_instant_carries_both_clocks_and_its_trust():
    assert Now(1, 2, synced=True) == Now(ns=1, utc_ms=2, synced=True)


def test_a_number_of_unix_milliseconds_is_denied_more_than_a_day_ahead_of_a_trusted_clock():
    now = Now(1, 1_000, synced=True)
    assert (False, True) == (now.rejects_future(86_401_000), now.rejects_future(86_401_001))
    assert not now._replace(synced=False).rejects_future(2**64 - 1)
