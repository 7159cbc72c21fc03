"""Faults of the file in an operator's words."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from quartier.config.sections.value_types import PATTERN_TEXTS
from quartier_drivers.device_profile.toml_files import suggest_key
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.errors import Fault

_TYPE_TEXTS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text in quotes",
    "tuple_type": "a list in brackets",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dict_type": "a table",
}
_DECIMAL_COMMA = re.compile(r"write a decimal point, not a comma: ([0-9.]+)$")
_KEY_PATTERN = re.compile(r"""([A-Za-z0-9_-]+)["']?\s*=""")
_UNIT_PATTERN = re.compile(r"(_eur_per|(?<!_per))_(w|wh|va)$")
_KILO_MAX = 1_000.0
_NUMBER_PATTERN = re.compile(r"([+-]?\d+)(?:[.,](\d+))?\s*([A-Za-z%°]*)")
# A mark before exactly three digits may be a thousands separator, but not after a single 0.
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}(?!\d)")
_SCALES: Mapping[str, Mapping[str, float]] = {
    "w": {"W": 1.0, "kW": 1e3, "MW": 1e6},
    "wh": {"Wh": 1.0, "kWh": 1e3, "MWh": 1e6},
    "va": {"VA": 1.0, "kVA": 1e3, "MVA": 1e6},
    "a": {"A": 1.0},
    "v": {"V": 1.0},
    "s": {"s": 1.0, "min": 60.0, "h": 3600.0},
    "c": {"°C": 1.0, "C": 1.0},
    "pct": {"%": 1.0},
}
"""Units that a number may be typed with, by the end of the key's name; the first is the key's own."""
_W_PER_KVA = 900.0
"""Watts of a French contract in kVA, as ``limits.contract_import_w`` counts them."""


@dataclass(frozen=True, slots=True)
class FileFault:
    """A fault at ``path``; ``other_file_fault`` is the fault's own place if it is in another file.

    ``contradicted_path`` is another place of the same file that it contradicts; its line is shown too.
    """

    path: KeyPath
    what: str
    other_file_fault: Fault | None = None
    contradicted_path: KeyPath = ()


def make_file_faults(error: ValidationError, path: KeyPath, model: type[BaseModel]) -> Iterator[FileFault]:
    """Yield one fault per error of validating the table at ``path`` as ``model``."""
    for item in error.errors(include_url=False):
        yield FileFault((*path, *item["loc"]), _describe(item, model))


def render_value(value: object) -> str:
    """Return a value as it would be in the file, shortened if it is long."""
    text = {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else repr(value)
    if isinstance(value, dict | list):
        text = "a table" if isinstance(value, dict) else "a list"
    return text if len(text) <= 60 else f"{text[:57]}…"


def suggest_key_unit(fault: Fault, row: str) -> str:
    """Return the fault's text; for a decimal comma, with the numbers for the key's unit: 5,5 may be kW."""
    comma = _DECIMAL_COMMA.search(fault.what)
    keys = _KEY_PATTERN.findall(row[: fault.column or 0])
    return fault.what if comma is None or not keys else f"{fault.what}{_suggest_kilo(keys[-1], comma[1])}"


def _suggest_kilo(key: str, number: str) -> str:
    """Return what to write for ``number`` in the key's unit and in its kilo; empty for large numbers."""
    unit, value = _UNIT_PATTERN.search(key), float(number)
    if unit is None or not 0 < value < _KILO_MAX:
        return ""
    symbol, per = next(iter(_SCALES[unit[2]])), "EUR per " if unit[1] else ""
    in_kilo = value / 1000 if unit[1] else value * 1000
    return f" for {number} {per}{symbol}, {in_kilo:.12g} for {number} {per}k{symbol}"


def render_interval(schema: Mapping[str, Any]) -> str:
    """Return the range of a number from its JSON Schema: ``0..100``, ``> 0, <= 30``, or empty."""
    for branch in (schema, *schema.get("anyOf", ())):
        low, high = branch.get("minimum"), branch.get("maximum")
        if low is not None and high is not None:
            return f"{low:.12g}..{high:.12g}"
        bounds = ((">", branch.get("exclusiveMinimum")), (">=", low), ("<=", high))
        if text := ", ".join(f"{sign} {bound:.12g}" for sign, bound in bounds if bound is not None):
            return text
    return ""


def _describe(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    return _DESCRIPTIONS.get(item["type"], _describe_wrong)(item, model)


def _describe_missing(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    return f"is missing; expected {_describe_expected(_find_key_schema(model, item['loc']))}"


def _describe_unknown(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    known = list(_find_table_schema(model, item["loc"][:-1]).get("properties", ()))
    return f"is an unknown key; {suggest_key(str(item['loc'][-1]), known)}"


def _describe_outside(item: Mapping[str, Any], model: type[BaseModel]) -> str:
    span = render_interval(_find_key_schema(model, item["loc"]))
    return f"{render_value(item['input'])} is {'outside' if '..' in span else 'wrong; expected'} {span}"


def _describe_wrong(item: Mapping[str, Any], _model: type[BaseModel]) -> str:
    context = item.get("ctx", {})
    expected = (
        context.get("expected")
        or PATTERN_TEXTS.get(context.get("pattern"))
        or _TYPE_TEXTS.get(item["type"], item["msg"])
    )
    if item["loc"] and _is_secret(str(item["loc"][-1])):
        return f"is wrong; expected {expected}"
    return f"{render_value(item['input'])} is wrong; expected {expected}{_suggest_quotes(item)}"


def _suggest_quotes(item: Mapping[str, Any]) -> str:
    """Return what to write if only the quotes are wrong, or a unit inside them."""
    value, kind = item["input"], item["type"]
    if isinstance(value, str):
        text = value.strip().lower()
        if kind in {"float_type", "int_type"}:
            key = next((step for step in reversed(item["loc"]) if isinstance(step, str)), "")
            return _suggest_number(key, value.strip(), is_whole=kind == "int_type")
        if kind == "bool_type" and text in {"true", "false"}:
            return f": {text} without quotes"
    elif kind == "string_type" and isinstance(value, int | float) and not isinstance(value, bool):
        return f': "{value}"'
    return ""


def _suggest_number(key: str, text: str, *, is_whole: bool) -> str:
    """Return the number to write for a quoted ``text``, in the key's unit; empty if it is none."""
    found = _NUMBER_PATTERN.fullmatch(text)
    if found is None:
        return ""
    whole, decimals, unit = found[1].lstrip("+"), found[2] or "", found[3]
    number = f"{float(f'{whole}.{decimals}'):.12g}"
    remark = ""
    scale = _find_scale(key, unit) if unit else 1.0
    if key == "contract_import_w" and unit.lower() == "kva":
        scale, remark = _W_PER_KVA, f" ({_W_PER_KVA:g} W per kVA)"
    if scale is None:
        return " without a unit and without quotes"
    if not unit and not is_whole and (readings := _suggest_kilo(key, number)):
        return f" without quotes: {number}{readings}"
    numbers = [number, f"{whole}{decimals}"] if _THOUSANDS.match(text) else [number]
    written = list(dict.fromkeys(f"{float(one) * scale:.12g}" for one in numbers))
    if is_whole:
        written = [one for one in written if one.lstrip("-").isdigit()]
    return f": {' or '.join(written)} without quotes{remark}" if written else ""


def _find_scale(key: str, unit: str) -> float | None:
    """Return how many of the key's unit are one ``unit``; None if they measure different things."""
    stem, _, end = key.rpartition("_")
    scales = {} if stem.endswith("_per") else _SCALES.get(end, {})
    by_any_case = {one.lower(): scale for one, scale in scales.items() if not one.startswith("M")}
    return scales.get(unit, by_any_case.get(unit.lower()))


_DESCRIPTIONS: Mapping[str, Callable[[Mapping[str, Any], type[BaseModel]], str]] = {
    "missing": _describe_missing,
    "extra_forbidden": _describe_unknown,
    "value_error": lambda item, _model: str(item["ctx"]["error"]),
    "greater_than": _describe_outside,
    "greater_than_equal": _describe_outside,
    "less_than": _describe_outside,
    "less_than_equal": _describe_outside,
}


def _is_secret(key: str) -> bool:
    return key.endswith("_file") or key in {"url", "user"}


def _describe_expected(schema: Mapping[str, Any]) -> str:
    # pydantic uses the docstring as the description: "Rated power of the inverter." -> a phrase.
    text = str(schema.get("description", "a value")).split(";")[0].split(".  ")[0].rstrip(".")
    return f"{text[0].lower()}{text[1:]}"


def _find_table_schema(model: type[BaseModel], loc: KeyPath) -> Mapping[str, Any]:
    root = model.model_json_schema()
    table: Mapping[str, Any] = root
    for step in loc:
        table = table.get("properties", {}).get(step, {})
        reference = table.get("$ref", "")
        table = root["$defs"][reference.rsplit("/", 1)[-1]] if reference else table
    return table


def _find_key_schema(model: type[BaseModel], loc: KeyPath) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = _find_table_schema(model, loc[:-1]).get("properties", {}).get(loc[-1], {})
    return schema
