from quartier.site.samples import Sample, StreamPosition
from quartier_drivers.readings import Quality


def test_a_sample_is_good_unless_said_otherwise_and_equal_by_its_key_and_value():
    one = Sample("grid", 7, 1, "power_w", 1000, 5.0)

    assert Quality.GOOD is one.quality
    assert one == Sample("grid", 7, 1, "power_w", 1000, 5.0)
    assert StreamPosition(7, 1) == StreamPosition(one.boot, one.seq)
