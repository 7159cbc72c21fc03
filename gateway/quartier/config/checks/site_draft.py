"""Read a site file section by section."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from quartier.config.checks.fault_text import FileFault, make_file_faults, render_value
from quartier.config.sections import operation_mode_sections
from quartier.config.sections.asset_sections import (
    BatterySection,
    ChargePointSection,
    GridMeterSection,
    LoadSection,
    PvSection,
)
from quartier.config.sections.connection_sections import (
    ContactSection,
    DistrictLinkSection,
    NodeSection,
    ShareSection,
    SupplySection,
)
from quartier.config.sections.planning_sections import PlanningSection, TariffSection
from quartier.config.sections.site_file import (
    ClockSection,
    ControlSection,
    DeviceSection,
    LimitsSection,
    RecordingSection,
    SiteFile,
    SiteSection,
    StoreSection,
)
from quartier.config.sections.value_types import Name, Section
from quartier_drivers.device_profile.toml_files import suggest_key
from quartier_drivers.device_profile.toml_positions import KeyPath
from quartier_drivers.registry import BUS_KINDS, DRIVER_PACKAGES, load_section

ASSET_SECTIONS: Mapping[str, type[Section]] = {
    "grid": GridMeterSection,
    "battery": BatterySection,
    "pv": PvSection,
    "ev": ChargePointSection,
    "load": LoadSection,
    **operation_mode_sections.OPERATION_MODE_SECTIONS,
}
NAMED_TABLES = ("buses", "devices", "assets", "nodes", "contacts", "supplies", "shares")
"""Tables whose entries the site names."""
FIXED_SECTIONS: Mapping[str, type[Section]] = {
    "site": SiteSection,
    "limits": LimitsSection,
    "control": ControlSection,
    "district_link": DistrictLinkSection,
    "planning": PlanningSection,
    "tariff": TariffSection,
    "store": StoreSection,
    "clock": ClockSection,
    "recording": RecordingSection,
}
SALVAGED_SECTIONS = {"site", "control", "store", "clock", "recording"}
"""Sections that keep their meaning without a faulty optional key. A limit is never guessed."""
REQUIRED_SECTIONS = ("site", "limits", "assets")
_NAME_ADAPTER: TypeAdapter[str] = TypeAdapter(Name)
_Model = TypeVar("_Model", bound=Any)


@dataclass(slots=True)
class SiteDraft:
    """The readable parts of a file.

    ``fixed`` holds the sections that every site has once, the other fields the entries by name; faults are in
    ``flaws``. ``raw`` is the data of the file, to know which names were meant to exist.
    """

    raw: Mapping[str, Any]
    fixed: dict[str, Any] = field(default_factory=dict)
    buses: dict[str, Any] = field(default_factory=dict)
    devices: dict[str, DeviceSection] = field(default_factory=dict)
    assets: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, NodeSection] = field(default_factory=dict)
    contacts: dict[str, ContactSection] = field(default_factory=dict)
    supplies: dict[str, SupplySection] = field(default_factory=dict)
    shares: dict[str, ShareSection] = field(default_factory=dict)
    flaws: list[FileFault] = field(default_factory=list)

    def find_raw_entries(self, table: str) -> Mapping[str, Any]:
        """Return the raw entries of a named table, including faulty ones."""
        entries = self.raw.get(table, {})
        return entries if isinstance(entries, dict) else {}

    def iterate_texts(self, table: str, key: str) -> Iterator[tuple[str, str]]:
        """Yield name and text of ``key`` in each raw entry that has it, including faulty ones."""
        for name, entry in self.find_raw_entries(table).items():
            if isinstance(entry, dict) and isinstance(entry.get(key), str):
                yield name, entry[key]

    @property
    def profile_folders(self) -> tuple[str, ...]:
        """Return the site's own profile folders, as written."""
        building = self.fixed.get("site")
        return building.profiles if building else ()


def read_draft(data: Mapping[str, Any]) -> SiteDraft:
    """Read every section of ``data`` separately."""
    made = SiteDraft(data)
    known = list(SiteFile.model_fields)
    made.flaws += [
        FileFault((key,), f"is an unknown section; {suggest_key(key, known)}")
        for key in data
        if key not in known
    ]
    made.flaws += [
        FileFault((key,), f"is missing; expected a section [{key}]")
        for key in REQUIRED_SECTIONS
        if key not in data
    ]
    for key, model in FIXED_SECTIONS.items():
        if key in data:
            section_or_none = _read_section(
                model, (key,), data[key], made.flaws, salvage=key in SALVAGED_SECTIONS
            )
            made.fixed |= {key: section_or_none} if section_or_none else {}
    for table in NAMED_TABLES:
        getattr(made, table).update(_read_entries(table, data.get(table, {}), made.flaws))
    return made


def _read_entries(table: str, raw: object, into: list[FileFault]) -> Iterator[tuple[str, Any]]:
    if not isinstance(raw, dict):
        into.append(FileFault((table,), f"{render_value(raw)} is wrong; expected tables [{table}.<name>]"))
        return
    for name, entry in raw.items():
        path = (table, name)
        if not _is_valid_name(name, path, into):
            continue
        if not isinstance(entry, dict):
            into.append(FileFault(path, f"{render_value(entry)} is wrong; expected a table [{table}.{name}]"))
            continue
        model = _find_section_type(table, path, entry, into)
        read = _read_section(model, path, entry, into, salvage=model is GridMeterSection) if model else None
        if read is not None:
            yield name, read


def _is_valid_name(name: str, path: KeyPath, into: list[FileFault]) -> bool:
    try:
        _NAME_ADAPTER.validate_python(name)
    except ValidationError as error:
        into.extend(FileFault(path, flaw.what) for flaw in make_file_faults(error, (), SiteFile))
        return False
    return True


def _find_section_type(
    table: str, path: KeyPath, entry: Mapping[str, Any], into: list[FileFault]
) -> type[Section] | None:
    plain: Mapping[str, type[Section]] = {
        "devices": DeviceSection,
        "nodes": NodeSection,
        "contacts": ContactSection,
        "supplies": SupplySection,
        "shares": ShareSection,
    }
    if table in plain:
        return plain[table]
    key, known = ("kind", list(BUS_KINDS)) if table == "buses" else ("role", list(ASSET_SECTIONS))
    tag = entry.get(key)
    if tag not in known:
        what = "is missing;" if tag is None else f"{render_value(tag)} is unknown;"
        help_ = suggest_key(tag, known) if isinstance(tag, str) else f"expected one of {', '.join(known)}"
        refused = "".join(
            f"; the driver package {one.name} {one.version} is refused: {one.refusal}"
            for one in (DRIVER_PACKAGES if table == "buses" else ())
            if one.refusal
        )
        into.append(FileFault((*path, key), f"{what} {help_}{refused}"))
        return None
    return load_section(tag) if table == "buses" else ASSET_SECTIONS[tag]


def _read_section(
    model: type[_Model], path: KeyPath, raw: object, into: list[FileFault], *, salvage: bool = False
) -> _Model | None:
    try:
        return model.model_validate(raw)  # type: ignore[no-any-return] # bound to Any for bus sections
    except ValidationError as error:
        found = list(make_file_faults(error, path, model))
    into.extend(found)
    if not salvage:
        return None
    bad = {flaw.path[len(path)] for flaw in found if len(flaw.path) > len(path)}
    kept = {key: value for key, value in raw.items() if key not in bad} if isinstance(raw, dict) else {}
    return _read_section(model, path, kept, [])
