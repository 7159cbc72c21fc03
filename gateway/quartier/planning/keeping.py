"""What was learnt as plain lists and numbers, and back: for a file that outlives a restart (pure).

Fields that begin with an underscore, and all that is not a number, a list or a memory itself, are made anew.
"""

import math
from dataclasses import fields, is_dataclass
from typing import Any


def kept(memory: Any) -> dict[str, Any]:
    """JSON-ready; None stands for NaN."""
    return {name: _kept(getattr(memory, name)) for name in _names(memory)}


def recalled(memory: Any, told: Any) -> None:
    """Put back into a fresh memory what ``kept`` gave of one of the same form.

    Raises ValueError that names the place where the form differs; the memory is then to be thrown away.
    """
    if not isinstance(told, dict):
        raise ValueError(f"{type(memory).__name__}: expected a table")  # noqa: TRY004 - a bad file is a bad value
    for name in _names(memory):
        if name not in told:
            raise ValueError(f"{name}: is missing")
        setattr(memory, name, _recalled(getattr(memory, name), told[name], name))


def _names(memory: Any) -> list[str]:
    names = [one.name for one in fields(memory) if not one.name.startswith("_")]
    return [name for name in names if _counts(getattr(memory, name))]


def _counts(value: Any) -> bool:
    if isinstance(value, list | float):
        return True
    return is_dataclass(value) and not getattr(type(value), "__dataclass_params__").frozen  # noqa: B009 - the name is not of the class by its type


def _kept(value: Any) -> Any:
    if isinstance(value, list):
        return [_kept(one) for one in value]
    if isinstance(value, float | int):
        return value if math.isfinite(value) else None
    return kept(value)


def _recalled(ours: Any, told: Any, name: str) -> Any:
    if isinstance(ours, list):
        if not isinstance(told, list) or len(told) != len(ours):
            raise ValueError(f"{name}: expected a list of {len(ours)}")
        return [_recalled(one, other, name) for one, other in zip(ours, told, strict=True)]
    if isinstance(ours, float | int):
        if told is None:
            return math.nan
        if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
            raise ValueError(f"{name}: expected a number")
        return told
    recalled(ours, told)
    return ours
