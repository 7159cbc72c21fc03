"""Finds the line of a key in a TOML file, and turns pydantic's errors into faults with that line."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from quartier_drivers.device_profile.toml_positions import KeyPath, find_positions
from quartier_drivers.device_profile.toml_syntax import explain_syntax_error
from quartier_drivers.errors import ConfigError, Fault

TEXT_MAX_BYTES = 256 * 1024
KEY_PARTS_MAX = 32
_KEY_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
# It also matches inside a string or a comment, where so many words between dots do not occur.
_DEEP_KEY = re.compile(rf"(?<![A-Za-z0-9_-]){_KEY_PART}(?:[ \t]*+\.[ \t]*+{_KEY_PART}){{{KEY_PARTS_MAX}}}")


class TomlPlaces:
    """The line (from 1) of every table and key of a TOML text, also if the text has faults."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._lines: dict[KeyPath, int] = {}
        for path, line in find_positions(text):
            self._lines.setdefault(path, line)

    def line(self, path: KeyPath) -> int | None:
        """Return the line of ``path``, or of its nearest parent that has one."""
        for end in range(len(path), 0, -1):
            if path[:end] in self._lines:
                return self._lines[path[:end]]
        return None

    def fault(self, path: KeyPath, what: str) -> Fault:
        """Return the fault ``what`` at ``path``."""
        return Fault(self.file, self.line(path), render_path(path), what)

    def faults(self, path: KeyPath, error: ValidationError, model: type[BaseModel]) -> list[Fault]:
        """Return one fault per error of validating the value at ``path`` as ``model``."""
        return [
            self.fault((*path, *item["loc"]), _explain_error(item, model))
            for item in error.errors(include_url=False, include_context=False)
        ]


def read_text(path: FilePath) -> str:
    """Read a UTF-8 text file, no larger than a TOML file may be.  Raises OSError and ConfigError."""
    with path.open("rb") as file:
        raw = file.read(TEXT_MAX_BYTES + 1)
    if len(raw) > TEXT_MAX_BYTES:
        raise ConfigError([Fault(str(path), None, "file", f"has more than {TEXT_MAX_BYTES} bytes")])
    try:
        return raw.decode("utf-8-sig")  # editors of Windows put a mark before the first line
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        kind = "is UTF-16 text" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "is not UTF-8 text"
        raise ConfigError([Fault(str(path), line, "file", f"{kind}; expected TOML in UTF-8")]) from error


def read_toml(file: str, text: str) -> dict[str, Any]:
    """Parse a TOML text from an untrusted source: its size and the depth of its keys are checked first.

    ``file`` names the file in the fault.  Raises ConfigError with one fault.
    """
    text = text.removeprefix("\ufeff")  # editors of Windows begin a text with it
    size = len(text.encode("utf-8", "replace"))
    if size > TEXT_MAX_BYTES:
        what = f"has {size} bytes; at most {TEXT_MAX_BYTES}"
        raise ConfigError([Fault(file, None, "file", what)])
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.start()) + 1
        what = f"has a key of more than {KEY_PARTS_MAX} parts"
        raise ConfigError([Fault(file, line, "file", what)])
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also brackets in brackets, numbers without end
        raise ConfigError([explain_syntax_error(file, error, text)]) from error


def render_path(path: KeyPath) -> str:
    """Return a path as text: ``("points", "power_w")`` is ``points.power_w``; an index becomes ``[2]``."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "file"


def suggest_key(key: str, known: Sequence[str]) -> str:
    """Return a hint for an unknown ``key``: the nearest known one, or all of them."""
    from difflib import get_close_matches  # noqa: PLC0415 - where nothing is misspelt nobody needs it

    close = get_close_matches(key, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"expected one of {', '.join(known)}" if known else "nothing is expected here"


def list_keys(model: type[BaseModel]) -> list[str]:
    """Return the keys that a table of this model may have, as they are written in the file."""
    return [field.alias or name for name, field in model.model_fields.items()]


def _explain_error(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    loc: KeyPath = item["loc"]
    if item["type"] == "missing":
        return "is missing"
    if item["type"] == "extra_forbidden":
        inner = _find_model_at(model, loc[:-1])
        return f"is an unknown key; {suggest_key(str(loc[-1]), list_keys(inner) if inner else [])}"
    message = re.sub(r"^(Value error, |Input should be |Assertion failed, )", "", item["msg"])
    if item["type"] == "value_error":
        return message
    return f"{item['input']!r} is wrong, expected {message}"


def _find_model_at(model: type[BaseModel], loc: KeyPath) -> type[BaseModel] | None:
    found: type[BaseModel] | None = model
    for step in loc:
        if found is None or isinstance(step, int):
            return None
        fields = {field.alias or name: field for name, field in found.model_fields.items()}
        found = _find_model_in(fields[step]) if step in fields else None
    return found


def _find_model_in(field: FieldInfo) -> type[BaseModel] | None:
    for kind in (field.annotation, *get_args(field.annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None
