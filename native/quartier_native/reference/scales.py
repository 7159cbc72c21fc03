"""Raw numbers of a SunSpec model with their scale factors applied: the specification.

Source: SunSpec Device Information Model Specification V1.2, "Scale Factors": raw times ten to their power.
"""

from typing import Any, TypeVar

T = TypeVar("T")


def scale_numbers(
    raws: tuple[T, ...],
    absents: tuple[T | None, ...],
    divisors: tuple[int | None, ...],
    factors: tuple[int | None, ...],
) -> list[T | float | None]:
    """Each number over its divisor, else times its factor, else as it is; None where it is ``absent``.

    All four are of one length, ValueError otherwise.  Where there is no such thing, None stands.
    """
    if not len(raws) == len(absents) == len(divisors) == len(factors):
        raise ValueError("columns of different lengths")
    found: list[T | float | None] = []
    for raw, absent, divisor, factor in zip(raws, absents, divisors, factors, strict=True):
        number: Any = raw  # only numbers have a divisor or a factor
        if absent is not None and raw == absent:
            found.append(None)
        elif divisor is not None:
            found.append(number / divisor)
        else:
            found.append(raw if factor is None else number * factor)
    return found
