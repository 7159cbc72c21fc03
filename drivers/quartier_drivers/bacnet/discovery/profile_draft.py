"""Draft a profile from the objects of a device; a person must check names, units and ranges.  Pure."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from quartier_drivers.bacnet.discovery.device_survey import ObjectRow
from quartier_drivers.bacnet.standard_names import (
    ANALOG_TYPES,
    BINARY_TYPES,
    MULTI_STATE_TYPES,
    OBJECT_TYPES,
    UNIT_NUMBERS,
    find_conversion,
)
from quartier_drivers.points import UCUM_UNITS

# If only one object has such a unit, this is most likely its name.
_USUAL_NAMES = {"w": "power_w", "wh": "energy_import_wh"}
_NAME_MAX = 48
# Characters that a TOML text cannot contain unescaped, and their substitutes.
_ESCAPES = {ord('"'): "'", ord("\\"): "/", **dict.fromkeys(range(32), " ")}


def render_draft(identity: Mapping[str, str], vendor_id: int, rows: Sequence[ObjectRow]) -> str:
    """Return the TOML of a profile of all ``rows`` with a known unit; commands are comments in it."""
    named = list(_name_points(rows))
    parts = [_render_head(identity, vendor_id)]
    parts += [_render_point(quantity, row) for quantity, row in named]
    known = {id(row) for _, row in named}
    left = [row for row in rows if id(row) not in known and row.value is not None]
    if left:
        parts.append(
            "# Left out, because Quartier has no unit for them:\n"
            + "".join(f"# {_render_comment(row)}\n" for row in left)
        )
    return "\n".join(parts)


def _render_head(identity: Mapping[str, str], vendor_id: int) -> str:
    maker, model = _quote(identity.get("vendor-name", "")), _quote(identity.get("model-name", ""))
    firmware = _quote(identity.get("firmware-revision", ""))
    mark = f"model = {model}\n" if model != '""' else ""
    return (
        "# A draft from the device's own object list: compare names and units with the maker's list,\n"
        "# delete what nobody needs, and run `quartier profiles lint` on it.\n"
        "[profile]\n"
        'protocol = "bacnet"\n'
        f"maker = {maker}\n"
        f"model = {model}\n"
        'source = "the object list of the device itself"\n'
        f"tested = {firmware}\n\n"
        f"[recognise]\nvendor_id = {vendor_id}\n{mark}"
    )


def _render_point(quantity: str, row: ObjectRow) -> str:
    lines = [f"# {_render_comment(row)}", f"[points.{quantity}]", f'object = "{row.where}"']
    if row.unit in UNIT_NUMBERS:
        lines.append(f'units = "{row.unit}"')
    if row.states and row.object.object_type in MULTI_STATE_TYPES:
        lines += [f"# {number} = {state}" for number, state in enumerate(row.states, start=1)]
    if row.commands is not None:
        lines += [
            "# It has a priority array.  Say what may be ordered, and what happens when nobody orders:",
            f"# [points.{quantity}.write]",
            "# low =",
            "# high =",
            '# on_release = "own"',
        ]
    return "\n".join(lines) + "\n"


def _render_comment(row: ObjectRow) -> str:
    unit = f" {row.unit}" if row.unit else ""
    is_new = row.description.lower() not in ("", row.name.lower())
    about = f"; {row.description}" if is_new else ""
    return f"{row.where} {row.name}: {row.shown}{unit}{about}".translate(_ESCAPES)


def _quote(said: str) -> str:
    return f'"{said.translate(_ESCAPES).strip()}"'


def _name_points(rows: Sequence[ObjectRow]) -> Iterator[tuple[str, ObjectRow]]:
    """Yield each object with a known unit under a name of its own."""
    endings = [(_find_ending(row), row) for row in rows if row.value is not None or row.why == ""]
    endings = [(ending, row) for ending, row in endings if ending]
    counts = {ending: sum(one == ending for one, _ in endings) for ending, _ in endings}
    taken: set[str] = set()
    for ending, row in endings:
        usual = _USUAL_NAMES.get(ending) if counts[ending] == 1 else None
        name = usual or f"{_make_slug(row.name or row.where)}_{ending}"
        number = 2
        while name in taken:
            name = f"{_make_slug(row.name or row.where)}_{number}_{ending}"
            number += 1
        taken.add(name)
        yield name, row


def _find_ending(row: ObjectRow) -> str:
    """Return the suffix of the point's name; empty if no unit of ours fits."""
    kind = row.object.object_type
    if row.value is None:
        return ""
    if kind in BINARY_TYPES:
        return "on"
    if kind in (*MULTI_STATE_TYPES, OBJECT_TYPES["load-control"]):
        return "state"
    if isinstance(row.value, str):
        return ""
    if row.unit in UNIT_NUMBERS:
        return next(
            (unit for unit in UCUM_UNITS if find_conversion(UNIT_NUMBERS[row.unit], unit) is not None), ""
        )
    return "" if kind in ANALOG_TYPES else "count"


def _make_slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_NAME_MAX].strip("_")
    return slug if slug[:1].isalpha() else f"x_{slug}".rstrip("_")
