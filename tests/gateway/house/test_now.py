from quartier.house.now import Now


def test_an_instant_carries_both_clocks_and_its_trust():
    assert Now(1, 2, synced=True) == Now(ns=1, utc_ms=2, synced=True)
