"""One function for what dataclasses do alike: a daemon has hundreds of them, and each had its own.

The standard library writes and compiles an own text for each class.  Nothing is called often of these: how a
record is shown, and that a frozen one is not changed.  How records are made, compared and hashed is theirs.
"""

import dataclasses
import sys
from _thread import get_ident
from typing import Any

# From 3.13 on the library makes all of a class at once.
_LAST = (3, 12)
_shown: set[tuple[int, int]] = set()


def share() -> None:
    """Have the dataclasses that are made from now on share these, where the library is one that can."""
    if sys.version_info[:2] > _LAST:
        return
    if hasattr(dataclasses, "_repr_fn") and hasattr(dataclasses, "_frozen_get_del_attr"):
        setattr(dataclasses, "_repr_fn", lambda *_: _repr)  # noqa: B010 - it is the library's own
        setattr(dataclasses, "_frozen_get_del_attr", lambda *_: (_setattr, _delattr))  # noqa: B010 - as above


def _repr(self: Any) -> str:
    key = id(self), get_ident()
    if key in _shown:
        return "..."
    _shown.add(key)
    try:
        told = [f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr]
    finally:
        _shown.discard(key)
    return f"{self.__class__.__qualname__}({', '.join(told)})"


def _setattr(self: Any, name: str, value: object) -> None:
    if _is_frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    if _is_frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _is_frozen(self: Any, name: str) -> bool:
    """What a class adds to a record that it inherits from may change."""
    cls = type(self)
    return "__dataclass_fields__" in cls.__dict__ or name in cls.__dataclass_fields__


_repr.__name__, _setattr.__name__, _delattr.__name__ = "__repr__", "__setattr__", "__delattr__"
