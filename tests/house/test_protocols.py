"""A protocol is its folder and its line in the registry: no other module of the gateway or a driver names it."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quartier_drivers.registry import BUS_KINDS, PROTOCOLS

FOLDERS = {entry.folder for entry in PROTOCOLS.values()}
NAMES = {*PROTOCOLS, *BUS_KINDS}
REGISTRY = Path("drivers/quartier_drivers/registry.py")
_METER = "the commands of meters listen on any of the family's protocols at once, to find out which it is"
_OPCUA = "a command for OPC UA servers alone; other protocols have no certificates and no tree of nodes"
_SHARE = "a share is a server of Modbus: its clients, limits and addresses are those of registers"
# Modules that name protocols, each with the reason why a further protocol does not touch it.
EXCEPTIONS = {
    "gateway/quartier/cli/arguments/opcua.py": _OPCUA,
    "gateway/quartier/cli/arguments/value_types.py": "speeds and parities of serial lines, from two sections",
    "gateway/quartier/cli/devices/decode.py": _METER,
    "gateway/quartier/cli/devices/listen.py": _METER,
    "gateway/quartier/cli/devices/opcua.py": _OPCUA,
    "gateway/quartier/cli/devices/opcua_trust.py": _OPCUA,
    "gateway/quartier/cli/installer/init.py": _METER,
    "gateway/quartier/config/checks/share_checks.py": _SHARE,
    "gateway/quartier/config/sample.py": "the building of the sample has devices on three buses of Modbus",
    "gateway/quartier/config/sections/connection_sections.py": _SHARE,
    "gateway/quartier/daemon/buses/shares.py": _SHARE,
}


def test_no_module_names_a_protocol_but_those_of_its_folder(modules: list[Any]) -> None:
    wrong = [
        f"{module.path}:{line}: {what}"
        for module in modules
        if str(module.path) not in EXCEPTIONS
        for line, what in _find_names(module)
    ]

    assert not wrong, "\n".join(wrong)


def test_each_exception_is_still_needed(modules: list[Any]) -> None:
    needed = {str(module.path) for module in modules if any(_find_names(module))}

    assert set(EXCEPTIONS) == needed & set(EXCEPTIONS)


def _find_names(module: Any) -> Iterator[tuple[int, str]]:
    """Yield the names of protocols that the folder of the module does not have, and imports of other folders."""
    package, *inner = module.name.split(".")
    if package not in {"quartier", "quartier_drivers"} or module.path == REGISTRY:
        return
    folder = inner[0] if package == "quartier_drivers" and inner and inner[0] in FOLDERS else ""
    own = {name for name, entry in PROTOCOLS.items() if folder and entry.folder == folder}
    hosts = {PROTOCOLS[name].on for name in own} - {""}
    kinds = {kind for kind, bus in BUS_KINDS.items() if bus.protocol in own | hosts}
    for node in module.nodes:
        if isinstance(node, ast.Constant) and node.value in NAMES - own - hosts - kinds:
            yield node.lineno, repr(node.value)
    folders = {folder, *(PROTOCOLS[name].folder for name in hosts)}
    for found in module.imports:
        top, _, rest = found.module.partition(".")
        other = rest.partition(".")[0]
        if top == "quartier_drivers" and other in FOLDERS - folders:
            yield found.line, found.module
