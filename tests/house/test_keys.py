"""Every key of the site file does something: one that nobody reads would be a promise not kept."""

import ast
from typing import Any

from quartier.config.checks.site_draft import ASSET_SECTIONS, FIXED_SECTIONS
from quartier.config.sections.connection_sections import NodeSection, ShareSection
from quartier.config.sections.site_file import DeadbandsSection, DeviceSection
from quartier_drivers.registry import BUS_KINDS, load_section

# Read by nobody yet, for a reason.
WAITING: dict[str, str] = {}
MODELS = (
    *FIXED_SECTIONS.values(),
    *ASSET_SECTIONS.values(),
    DeviceSection,
    NodeSection,
    ShareSection,
    DeadbandsSection,
    *(load_section(kind) for kind in BUS_KINDS),
)
# Read by their own model's properties.
OWN = {
    "LimitsSection": "quartier.config.sections.site_file",
    "DistrictLinkSection": "quartier.config.sections.connection_sections",
    "TariffSection": "quartier.config.sections.planning_sections",
}


def test_every_key_is_read_by_someone(modules: list[Any]) -> None:
    read: dict[str, set[str]] = {}
    for module in modules:
        if module.name.startswith(("quartier_hil", "quartier.config.sample")):
            continue
        for node in module.nodes:
            if isinstance(node, ast.Attribute):
                read.setdefault(node.attr, set()).add(module.name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                read.setdefault(node.value, set()).add(module.name)
    unread = []
    for model in MODELS:
        for key in model.model_fields:
            readers = {
                name
                for name in read.get(key, ())
                if not name.startswith("quartier.config") or name == OWN.get(model.__name__)
            }
            if not readers and f"{model.__name__}.{key}" not in WAITING:
                unread.append(f"{model.__name__}.{key}")

    assert not unread, "\n".join(unread)
