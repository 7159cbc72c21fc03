import argparse

import pytest

from quartier.cli.arguments.value_types import parse_bauds, parse_instances, parse_parities, parse_units


def test_units_bauds_and_parities_are_lists():
    assert [1, 2, 3, 100] == parse_units("100,1-3,2")
    assert [9600, 1200] == parse_bauds("9600,1200")
    assert ["N", "E"] == parse_parities("N,E")
    for read, text in (
        (parse_units, "1-x"),
        (parse_units, "256"),
        (parse_units, "5-1"),
        (parse_units, ""),
        (parse_bauds, "9601"),
        (parse_parities, "n"),
    ):
        with pytest.raises(argparse.ArgumentTypeError, match="is wrong, expected"):
            read(text)


def test_instances_are_read_as_rising_ranges():
    assert [(1, 999), (2001, 2001)] == parse_instances("1-999, 2001")
    for wrong in ("9-1", "x", "1-", "4194303"):
        with pytest.raises(argparse.ArgumentTypeError, match="expected"):
            parse_instances(wrong)
