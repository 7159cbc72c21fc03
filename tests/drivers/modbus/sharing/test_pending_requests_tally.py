"""What came of each request is counted once."""

from quartier_drivers.modbus.sharing.pending_requests import RequestCounts


def test_each_fate_has_its_count() -> None:
    tally = RequestCounts()
    for fate in ("wire", "held", "held", "busy", "absent", "unanswered", "dropped"):
        tally.ended(fate)

    found = tally.data()
    assert (1, 2, 1, 1, 1, 1) == tuple(
        found[name] for name in ("wire", "held", "busy", "absent", "unanswered", "dropped")
    )
    assert 0 == found["refused"]
