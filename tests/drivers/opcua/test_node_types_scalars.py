"""What fits into a built-in type, and the nearest step that is inside the limits."""

from fractions import Fraction

import pytest

from quartier_drivers.opcua.node_types import TYPE_NUMBERS, fit_type


def fit(raw, kind, low=-1e9, high=1e9):
    return fit_type(Fraction(raw), TYPE_NUMBERS[kind], Fraction(low), Fraction(high))


@pytest.mark.parametrize(
    ("raw", "kind", "expected"),
    [
        (1, "Boolean", True),
        (0, "Boolean", False),
        (42.4, "Int16", 42),
        (-128, "SByte", -128),
        (255, "Byte", 255),
        (2**63 - 1, "Int64", 2**63 - 1),
        (21.5, "Double", 21.5),
        (0.1, "Float", 0.10000000149011612),
    ],
)
def test_a_number_takes_the_type_of_the_node(raw, kind, expected):
    found = fit(raw, kind, high=2**64)

    assert expected == found
    assert type(expected) is type(found)


@pytest.mark.parametrize(
    ("raw", "kind", "says"),
    [
        (2, "Boolean", "neither on nor off"),
        (256, "Byte", "does not fit Byte"),
        (-1, "UInt32", "does not fit UInt32"),
        (1e39, "Float", "does not fit Float"),
        (1, "String", "takes no number"),
    ],
)
def test_what_does_not_fit_says_so(raw, kind, says):
    with pytest.raises(ValueError, match=says):
        fit(raw, kind, high=1e40)


def test_a_step_outside_the_limits_is_not_taken():
    assert 15 == fit(15.6, "Int16", high=15.7)

    with pytest.raises(ValueError, match="between two steps"):
        fit(15.5, "Int16", low=15.2, high=15.8)
