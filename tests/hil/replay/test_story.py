"""A story knows whether its device was asked."""

from quartier_hil.replay.story import Event, Story


def test_a_device_that_nobody_asked_spoke_by_itself():
    assert not Story("serial", (Event(0, "in", b"x"),)).is_asked
    assert Story("serial", (Event(0, "out", b"?"), Event(1, "in", b"x"))).is_asked
