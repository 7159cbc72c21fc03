"""Every key of the site file does something: one that nobody reads would be a promise not kept."""

import ast
from typing import Any

from quartier.config.draft import FIXED, ROLES
from quartier.config.model import Deadbands, Device
from quartier.config.nodes import Node
from quartier.config.shares import Share
from quartier_drivers.registry import KINDS, section

# Read by nobody yet, for a reason.
WAITING: dict[str, str] = {}
MODELS = (
    *FIXED.values(),
    *ROLES.values(),
    Device,
    Node,
    Share,
    Deadbands,
    *(section(kind) for kind in KINDS),
)
# Read by their own model's properties.
OWN = {
    "Limits": "quartier.config.model",
    "DistrictLink": "quartier.config.model",
    "Tariff": "quartier.config.ahead",
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
