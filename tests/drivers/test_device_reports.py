"""Numbers of things, as people write them."""

from quartier_drivers.device_reports import format_count


def test_one_is_told_in_the_singular_and_thousands_are_parted() -> None:
    assert ["1 unit", "0 units", "1,000 units"] == [format_count(count, "unit") for count in (1, 0, 1000)]
