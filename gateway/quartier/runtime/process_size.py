"""Keep a process small: hide modules that it does not need, share functions of dataclasses.

The standard library generates and compiles separate source text for each dataclass.  The functions shared
here are seldom called: ``repr``, and the guards of frozen records.  How records are made, compared and hashed
stays the library's.
"""

import dataclasses
import sys
from _thread import get_ident
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# From 3.13 on the library makes all functions of a class at once.
_LAST_PYTHON = (3, 12)
_in_repr: set[tuple[int, int]] = set()


def share_dataclass_functions() -> None:
    """Make all later dataclasses share these functions, if the library allows it."""
    if sys.version_info[:2] > _LAST_PYTHON:
        return
    if hasattr(dataclasses, "_repr_fn") and hasattr(dataclasses, "_frozen_get_del_attr"):
        setattr(dataclasses, "_repr_fn", lambda *_: _render_record)  # noqa: B010 - it is the library's own
        setattr(dataclasses, "_frozen_get_del_attr", lambda *_: (_set_attribute, _delete_attribute))  # noqa: B010 - as above


def _render_record(self: Any) -> str:
    key = id(self), get_ident()
    if key in _in_repr:
        return "..."
    _in_repr.add(key)
    try:
        told = [f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr]
    finally:
        _in_repr.discard(key)
    return f"{self.__class__.__qualname__}({', '.join(told)})"


def _set_attribute(self: Any, name: str, value: object) -> None:
    if _is_frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delete_attribute(self: Any, name: str) -> None:
    if _is_frozen(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
    object.__delattr__(self, name)


def _is_frozen(self: Any, name: str) -> bool:
    """Return whether an attribute is frozen; what an ordinary subclass adds to a record may change."""
    cls = type(self)
    return "__dataclass_fields__" in cls.__dict__ or name in cls.__dataclass_fields__


_render_record.__name__, _set_attribute.__name__, _delete_attribute.__name__ = (
    "__repr__",
    "__setattr__",
    "__delattr__",
)


@contextmanager
def hide_modules(*names: str) -> Iterator[None]:
    """Hide these modules from imports inside the block, unless they were imported before."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None: importing it is an ImportError
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
