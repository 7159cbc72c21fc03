"""A site file read section by section, so that one bad entry does not hide the others."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from quartier.config import modes
from quartier.config.ahead import Planning, Tariff
from quartier.config.capping import Contact, Supply
from quartier.config.faults import Flaw, flaws, shown
from quartier.config.model import (
    Battery,
    Building,
    Clock,
    Control,
    Device,
    DistrictLink,
    Ev,
    Grid,
    Limits,
    Load,
    Pv,
    Site,
    Store,
)
from quartier.config.nodes import Node
from quartier.config.recording import Recording
from quartier.config.shares import Share
from quartier.config.words import Name, Section
from quartier_drivers.place import nearest
from quartier_drivers.positions import Path
from quartier_drivers.registry import KINDS, section

ROLES: Mapping[str, type[Section]] = {
    "grid": Grid,
    "battery": Battery,
    "pv": Pv,
    "ev": Ev,
    "load": Load,
    **modes.ROLES,
}
NAMED = ("buses", "devices", "assets", "nodes", "contacts", "supplies", "shares")
"""Tables whose entries the site names."""
FIXED: Mapping[str, type[Section]] = {
    "site": Building,
    "limits": Limits,
    "control": Control,
    "district_link": DistrictLink,
    "planning": Planning,
    "tariff": Tariff,
    "store": Store,
    "clock": Clock,
    "recording": Recording,
}
SALVAGED = {"site", "control", "store", "clock", "recording"}
"""Sections that still mean the same without a bad optional key.  A limit is never guessed."""
REQUIRED = ("site", "limits", "assets")
_NAMES: TypeAdapter[str] = TypeAdapter(Name)
_Model = TypeVar("_Model", bound=Any)


@dataclass(slots=True)
class Draft:
    """What could be understood of a file.

    ``fixed`` holds the sections that every site has once, the rest the entries by name; what is
    wrong is in ``flaws``.  ``raw`` is the file's data, to know that a name was meant to exist.
    """

    raw: Mapping[str, Any]
    fixed: dict[str, Any] = field(default_factory=dict)
    buses: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    assets: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    contacts: dict[str, Contact] = field(default_factory=dict)
    supplies: dict[str, Supply] = field(default_factory=dict)
    shares: dict[str, Share] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def meant(self, table: str) -> Mapping[str, Any]:
        """The raw entries of a named table, also the faulty ones."""
        entries = self.raw.get(table, {})
        return entries if isinstance(entries, dict) else {}

    def said(self, table: str, key: str) -> Iterator[tuple[str, str]]:
        """Name and text of ``key`` in each raw entry that has it, also in the faulty ones."""
        for name, entry in self.meant(table).items():
            if isinstance(entry, dict) and isinstance(entry.get(key), str):
                yield name, entry[key]

    @property
    def profile_folders(self) -> tuple[str, ...]:
        """The site's own folders of profiles, as written."""
        building = self.fixed.get("site")
        return building.profiles if building else ()


def draft(data: Mapping[str, Any]) -> Draft:
    """Read every section of ``data`` on its own."""
    made = Draft(data)
    known = list(Site.model_fields)
    made.flaws += [
        Flaw((key,), f"is no known section; {nearest(key, known)}") for key in data if key not in known
    ]
    made.flaws += [
        Flaw((key,), f"is missing; expected a section [{key}]") for key in REQUIRED if key not in data
    ]
    for key, model in FIXED.items():
        if key in data:
            section_or_none = _read(model, (key,), data[key], made.flaws, salvage=key in SALVAGED)
            made.fixed |= {key: section_or_none} if section_or_none else {}
    for table in NAMED:
        getattr(made, table).update(_entries(table, data.get(table, {}), made.flaws))
    return made


def _entries(table: str, raw: object, into: list[Flaw]) -> Iterator[tuple[str, Any]]:
    if not isinstance(raw, dict):
        into.append(Flaw((table,), f"{shown(raw)} is wrong; expected tables [{table}.<name>]"))
        return
    for name, entry in raw.items():
        path = (table, name)
        if not _is_name(name, path, into):
            continue
        if not isinstance(entry, dict):
            into.append(Flaw(path, f"{shown(entry)} is wrong; expected a table [{table}.{name}]"))
            continue
        model = _model(table, path, entry, into)
        read = _read(model, path, entry, into, salvage=model is Grid) if model else None
        if read is not None:
            yield name, read


def _is_name(name: str, path: Path, into: list[Flaw]) -> bool:
    try:
        _NAMES.validate_python(name)
    except ValidationError as error:
        into.extend(Flaw(path, flaw.what) for flaw in flaws(error, (), Site))
        return False
    return True


def _model(table: str, path: Path, entry: Mapping[str, Any], into: list[Flaw]) -> type[Section] | None:
    plain: Mapping[str, type[Section]] = {
        "devices": Device,
        "nodes": Node,
        "contacts": Contact,
        "supplies": Supply,
        "shares": Share,
    }
    if table in plain:
        return plain[table]
    key, known = ("kind", list(KINDS)) if table == "buses" else ("role", list(ROLES))
    tag = entry.get(key)
    if tag not in known:
        what = "is missing;" if tag is None else f"{shown(tag)} is unknown;"
        help_ = nearest(tag, known) if isinstance(tag, str) else f"expected one of {', '.join(known)}"
        into.append(Flaw((*path, key), f"{what} {help_}"))
        return None
    return section(tag) if table == "buses" else ROLES[tag]


def _read(
    model: type[_Model], path: Path, raw: object, into: list[Flaw], *, salvage: bool = False
) -> _Model | None:
    try:
        return model.model_validate(raw)  # type: ignore[no-any-return] # bound to Any for bus sections
    except ValidationError as error:
        found = list(flaws(error, path, model))
    into.extend(found)
    if not salvage:
        return None
    bad = {flaw.path[len(path)] for flaw in found if len(flaw.path) > len(path)}
    kept = {key: value for key, value in raw.items() if key not in bad} if isinstance(raw, dict) else {}
    return _read(model, path, kept, [])
