"""What is wrong with the connection tree: ways that lead nowhere, meters with two owners or no word."""

from collections.abc import Iterator, Mapping

from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.nodes import ROOT, Node, contradictions, guesses
from quartier.config.parts import homes, points_of, whole_part
from quartier_drivers.profile import Profile

NODES_MAX = 63
"""Nodes beside the root that control allocates over (quartier_native.NODE_MAX)."""
READ = ("power_w", "power_l1_w", "current_l1_a")
"""A meter of a node says at least one of these."""


def flaws_of_tree(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Everything that is wrong with nodes beside what their references lack."""
    if ROOT in draft.meant("nodes"):
        yield Flaw(("nodes", ROOT), "is the root, which needs no entry; expected another name")
    if len(draft.nodes) > NODES_MAX:
        yield Flaw(("nodes",), f"{len(draft.nodes)} are too many; expected at most {NODES_MAX}")
    for name in draft.nodes:
        if _loops(name, draft.nodes):
            yield Flaw(("nodes", name, "under"), "leads back to itself; expected a way to 'grid'")
    for name, key, what in contradictions(draft.nodes):
        yield Flaw(("nodes", name, key), what)
    yield from _meters(draft, profiles)


def _loops(start: str, nodes: Mapping[str, Node]) -> bool:
    seen, here = {start}, nodes[start].under
    while here in nodes and here not in seen:
        seen.add(here)
        here = nodes[here].under
    return here == start


def _meters(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in homes(asset)}
    owners |= {(contact.device, contact.part): name for name, contact in draft.contacts.items()}
    owners |= {(supply.device, supply.part): name for name, supply in draft.supplies.items()}
    for name, node in draft.nodes.items():
        if node.device is None:
            continue
        key = "part" if node.part else "device"
        path = ("nodes", name)
        yield from whole_part(profiles, path, (node.device, node.part, key))
        holder = owners.setdefault((node.device, node.part), name)
        if holder != name:
            what = f"that part belongs to {holder!r} already; expected a part of its own"
            yield Flaw((*path, key), what)
        own = points_of(profiles, node.device, node.part)
        if own is not None and not set(READ) & own.keys():
            yield Flaw((*path, key), f"{profiles[node.device].name} says none of {', '.join(READ)} there")


def is_untold(flaw: Flaw, draft: Draft) -> bool:
    """Whether a flaw leaves a limit of the tree unknown, or what it holds for; its meter may be missing."""
    table, *rest = flaw.path
    if table == "assets":
        return rest[1:] == ["node"]
    if table != "nodes":
        return False
    return len(rest) < 2 or rest[0] not in draft.nodes or rest[1] not in {"device", "part"}


def without_meters(draft: Draft, names: Iterator[str]) -> None:
    """Take the meter from the nodes whose meter cannot be used: what they feed counts at its worst."""
    for name in names:
        draft.nodes[name] = draft.nodes[name].model_copy(update={"device": None, "part": ""})


def warnings_about_nodes(draft: Draft) -> Iterator[Flaw]:
    """Nodes that must count at their worst."""
    for name, what in guesses(draft.nodes):
        yield Flaw(("nodes", name), what)
