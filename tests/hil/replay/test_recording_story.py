"""A story knows whether its device was asked."""

from quartier_hil.replay.recording import RecordedEvent, Recording


def test_a_device_that_nobody_asked_spoke_by_itself():
    assert not Recording("serial", (RecordedEvent(0, "in", b"x"),)).is_asked
    assert Recording("serial", (RecordedEvent(0, "out", b"?"), RecordedEvent(1, "in", b"x"))).is_asked
