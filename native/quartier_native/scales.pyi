from typing import TypeVar

_T = TypeVar("_T")

def scale_numbers(
    raws: tuple[_T, ...],
    absents: tuple[_T | None, ...],
    divisors: tuple[int | None, ...],
    factors: tuple[int | None, ...],
) -> list[_T | float | None]: ...
