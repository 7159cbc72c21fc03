"""Faults of connection tree, contacts and supplies."""

from collections.abc import Iterator, Mapping

from quartier.config.checks.device_checks import check_part, find_part_points, list_places
from quartier.config.checks.fault_text import FileFault
from quartier.config.checks.site_draft import SiteDraft
from quartier.config.sections.connection_sections import ROOT_NODE, ContactSection, NodeSection
from quartier_drivers.device_profile.loading import Profile

LIMIT_KEYS = ("import_max_w", "export_max_w", "generation_max_w", "consumption_max_w")
"""What a contact may limit; at least one of them."""


def find_contact_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield unknown parts, parts with two owners, parts that are not inputs, and contacts without a limit."""
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in list_places(asset)}
    for name, contact in draft.contacts.items():
        path = ("contacts", name)
        if all(getattr(contact, cap) is None for cap in LIMIT_KEYS):
            yield FileFault(path, f"sets no limit; expected at least one of {', '.join(LIMIT_KEYS)}")
        home = (contact.device, contact.part, "part" if contact.part else "device")
        yield from check_part(profiles, path, home)
        holder = owners.setdefault(home[:2], name)
        if holder != name:
            what = f"that part is used by {holder!r} already; expected another part"
            yield FileFault((*path, home[2]), what)
        yield from _find_input_faults(path, contact, profiles)


def _find_input_faults(
    path: tuple[str, str], contact: ContactSection, profiles: Mapping[str, Profile]
) -> Iterator[FileFault]:
    own = find_part_points(profiles, contact.device, contact.part)
    if own is not None and "input_on" not in own:
        what = f"{profiles[contact.device].name} has no point input_on in this part, which a contact needs"
        yield FileFault((*path, "part" if contact.part else "device"), what)


def loses_contact(flaw: FileFault, draft: SiteDraft) -> bool:
    """Return whether a flaw leaves a contact without its name or its limits.

    A contact whose device is wrong has both.
    """
    table, *rest = flaw.path
    return table == "contacts" and (len(rest) < 2 or rest[0] not in draft.contacts)


def find_node_contradictions(nodes: Mapping[str, NodeSection]) -> Iterator[tuple[str, str, str]]:
    """Yield name, key and text of each contradiction within a node, or with the node that feeds it."""
    for name, node in nodes.items():
        if node.phase is not None and node.phases != 1:
            yield name, "phase", "needs a node with one phase; expected phases = 1, or no phase"
        if node.part and node.device is None:
            yield name, "part", "is set without device; expected both"
        above = nodes.get(node.under)
        if above is not None and above.phases == 1 and node.phases != 1:
            yield name, "phases", f"{node.under!r} feeds it on one phase only; expected phases = 1"


def find_unmeasured_nodes(nodes: Mapping[str, NodeSection]) -> Iterator[tuple[str, str]]:
    """Yield nodes that must count at their worst, and what would avoid that."""
    for name, node in nodes.items():
        if node.device is None and node.unmeasured_w is None:
            yield (
                name,
                "has neither device nor unmeasured_w: all unmeasured power of the building counts there",
            )


SUBSCRIBED_POWER_POINTS = ("subscribed_power_va", "subscribed_current_a")
"""Points with the subscribed power, one of which the meter must have."""


def find_supply_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield unknown parts, parts with two owners, and meters without the subscribed power."""
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in list_places(asset)}
    owners |= {(contact.device, contact.part): name for name, contact in draft.contacts.items()}
    for name, supply in draft.supplies.items():
        path = ("supplies", name)
        home = (supply.device, supply.part, "part" if supply.part else "device")
        yield from check_part(profiles, path, home)
        holder = owners.setdefault(home[:2], name)
        if holder != name:
            what = f"that part is used by {holder!r} already; expected another part"
            yield FileFault((*path, home[2]), what)
        own = find_part_points(profiles, supply.device, supply.part)
        if own is not None and not set(SUBSCRIBED_POWER_POINTS) & own.keys():
            what = (
                f"{profiles[supply.device].name} has neither {' nor '.join(SUBSCRIBED_POWER_POINTS)} in "
                "this part"
            )
            yield FileFault((*path, home[2]), f"{what}; expected one of them")


NODES_MAX = 63
"""Nodes besides the root that control allocates over (quartier_native.NODE_MAX)."""


NODE_METER_POINTS = ("power_w", "power_l1_w", "current_l1_a")
"""The meter of a node must have at least one of these."""


def find_tree_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    """Yield all faults of nodes except missing references."""
    if ROOT_NODE in draft.find_raw_entries("nodes"):
        yield FileFault(("nodes", ROOT_NODE), "is the root node, which needs no entry; expected another name")
    if len(draft.nodes) > NODES_MAX:
        yield FileFault(("nodes",), f"{len(draft.nodes)} nodes are too many; expected at most {NODES_MAX}")
    for name in draft.nodes:
        if _is_loop(name, draft.nodes):
            yield FileFault(("nodes", name, "under"), "makes a loop; expected a path that ends at 'grid'")
    for name, key, what in find_node_contradictions(draft.nodes):
        yield FileFault(("nodes", name, key), what)
    yield from _find_node_meter_faults(draft, profiles)


def _is_loop(start: str, nodes: Mapping[str, NodeSection]) -> bool:
    seen, here = {start}, nodes[start].under
    while here in nodes and here not in seen:
        seen.add(here)
        here = nodes[here].under
    return here == start


def _find_node_meter_faults(draft: SiteDraft, profiles: Mapping[str, Profile]) -> Iterator[FileFault]:
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in list_places(asset)}
    owners |= {(contact.device, contact.part): name for name, contact in draft.contacts.items()}
    owners |= {(supply.device, supply.part): name for name, supply in draft.supplies.items()}
    for name, node in draft.nodes.items():
        if node.device is None:
            continue
        key = "part" if node.part else "device"
        path = ("nodes", name)
        yield from check_part(profiles, path, (node.device, node.part, key))
        holder = owners.setdefault((node.device, node.part), name)
        if holder != name:
            what = f"that part is used by {holder!r} already; expected another part"
            yield FileFault((*path, key), what)
        own = find_part_points(profiles, node.device, node.part)
        if own is not None and not set(NODE_METER_POINTS) & own.keys():
            yield FileFault(
                (*path, key),
                f"{profiles[node.device].name} has none of {', '.join(NODE_METER_POINTS)} in this part",
            )


def loses_node_limit(flaw: FileFault, draft: SiteDraft) -> bool:
    """Return whether a flaw leaves a limit of the tree unknown, or what it applies to.

    A meter may be missing.
    """
    table, *rest = flaw.path
    if table == "assets":
        return rest[1:] == ["node"]
    if table != "nodes":
        return False
    return len(rest) < 2 or rest[0] not in draft.nodes or rest[1] not in {"device", "part"}


def remove_node_meters(draft: SiteDraft, names: Iterator[str]) -> None:
    """Remove unusable meters from nodes: what such a node feeds counts at its worst."""
    for name in names:
        draft.nodes[name] = draft.nodes[name].model_copy(update={"device": None, "part": ""})


def find_node_warnings(draft: SiteDraft) -> Iterator[FileFault]:
    """Warn of nodes that must count at their worst."""
    for name, what in find_unmeasured_nodes(draft.nodes):
        yield FileFault(("nodes", name), what)
