import argparse

import pytest

from quartier.cli.lines import bauds, instances, parities, units


def test_units_bauds_and_parities_are_lists():
    assert [1, 2, 3, 100] == units("100,1-3,2")
    assert [9600, 1200] == bauds("9600,1200")
    assert ["N", "E"] == parities("N,E")
    for read, text in (
        (units, "1-x"),
        (units, "256"),
        (units, "5-1"),
        (units, ""),
        (bauds, "9601"),
        (parities, "n"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="is wrong, expected"):
            read(text)


def test_instances_are_read_as_rising_ranges():
    assert [(1, 999), (2001, 2001)] == instances("1-999, 2001")
    for wrong in ("9-1", "x", "1-", "4194303"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected"):
            instances(wrong)
