"""The keys of a section in readable form."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tomli_w
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from quartier.config.checks.fault_text import render_interval
from quartier.config.sections.value_types import PATTERN_TEXTS

_TYPE_TEXTS = {
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "string": "text",
    "array": "list of texts",
}
_LIST_TEXTS = {"integer": "list of whole numbers", "number": "list of numbers"}


@dataclass(frozen=True, slots=True)
class SectionKey:
    """One key: ``value`` describes the allowed values; ``default`` is its TOML text, None if it has none."""

    name: str
    value: str
    sentence: str
    required: bool
    default: str | None


def list_section_keys(model: type[BaseModel]) -> Iterator[SectionKey]:
    """Yield the keys of the table of this model, the kind first; nested tables are left out."""
    properties = model.model_json_schema()["properties"]
    fields = sorted(model.model_fields.items(), key=lambda item: "const" not in properties[item[0]])
    for name, field in fields:
        schema = properties[name]
        if isinstance(field.default, BaseModel):
            continue
        has_default = not field.is_required() and field.default not in (None, PydanticUndefined)
        default = format_toml(field.default) if has_default else None
        yield SectionKey(
            name,
            _describe_values(schema),
            (field.description or "").replace("``", "`"),
            field.is_required(),
            default,
        )


def list_subtables(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel], str]]:
    """Yield name, model and sentence of each nested table of this model."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield name, type(field.default), field.description or ""


def format_toml(value: object) -> str:
    """Return a value in TOML; whole floats without their ``.0``."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_toml, value))}]"
    return tomli_w.dumps({"x": value})[4:].strip()


def _describe_values(schema: Mapping[str, Any]) -> str:
    branches = [branch for branch in schema.get("anyOf", (schema,)) if branch.get("type") != "null"]
    return " or ".join(_describe_value(branch) for branch in branches)


def _describe_value(schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return format_toml(schema["const"])
    if "enum" in schema:
        return ", ".join(format_toml(choice) for choice in schema["enum"])
    if schema.get("pattern") in PATTERN_TEXTS:
        return PATTERN_TEXTS[schema["pattern"]]
    word, bounds = _TYPE_TEXTS[schema["type"]], render_interval(schema)
    word = _LIST_TEXTS.get(schema.get("items", {}).get("type", ""), word)
    return f"{word}, {bounds}" if bounds else word
