import math
from array import array

import pytest

from quartier_native.reference import forms

DIVIDED, MULTIPLIED, SINGLE, SINGLE_BITS, BITS = range(5)


def doubles(*values: float) -> "array[float]":
    return array("d", values)


@pytest.mark.parametrize(
    ("form", "decimals", "values"),
    [
        (DIVIDED, 0, [230.0, -5.0, 0.0, 1e9]),
        (DIVIDED, 1, [230.1, 0.3, 5.0]),
        (DIVIDED, 4, [1 / 16, 3 / 16]),
        (MULTIPLIED, 1, [3 * 0.1, 2301 * 0.1, 6 * 0.1]),
        (SINGLE, 1, [230.10000610351562, 229.89999389648438]),
        (SINGLE_BITS, 0, [0.3333333432674408, -0.6666666865348816, 1e-45]),
        (BITS, 0, [1 / 3, 2 / 3, math.pi]),
        (DIVIDED, 0, [math.nan, math.inf]),
        (DIVIDED, 1, [230.1] * 30 + [1 / 3]),
    ],
)
def test_the_cheapest_form_is_found(form: int, decimals: int, values: list[float]) -> None:
    assert (form, decimals) == forms.choose(doubles(*values), 64)


def test_values_become_whole_numbers_and_odd_ones_runs_of_exceptions() -> None:
    values = doubles(230.1, math.inf, math.inf, 229.9, 1 / 3, -0.0, 0.0)
    numbers, runs = forms.split(values, DIVIDED, 1, minus=False)
    assert [2301, 2299, 0] == numbers
    assert [(1, 2), (1, 1), (0, 1)] == [(gap, length) for gap, length, _ in runs]


def test_the_zero_that_is_more_frequent_is_no_exception() -> None:
    values = doubles(-0.0, -0.0, 0.0, 1.0)
    assert forms.mostly_minus(values)
    assert not forms.mostly_minus(doubles(-0.0, 0.0))
    assert [0, 0, -1] == forms.split(values, DIVIDED, 0, minus=True)[0]


@pytest.mark.parametrize("form", [SINGLE_BITS, BITS])
def test_the_bits_of_floats_are_counted_in_the_order_of_the_floats(form: int) -> None:
    numbers, _ = forms.split(doubles(-2.0, -0.5, 0.0, 0.5, 2.0), form, 0, minus=False)
    assert sorted(numbers) == numbers


@pytest.mark.parametrize(
    ("number", "form"),
    [(2**51, DIVIDED), (-(2**51) - 1, MULTIPLIED), (2**31, SINGLE_BITS), (0x7F80_0000, SINGLE_BITS)],
)
def test_a_number_that_no_value_has_is_refused(number: int, form: int) -> None:
    with pytest.raises(ValueError, match="corrupt"):
        forms.join_values([number], form, 0, minus=False)
