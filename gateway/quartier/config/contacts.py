"""What is wrong with the contacts that cap the building: inputs that are not there, caps that are missing."""

from collections.abc import Iterator, Mapping

from quartier.config.capping import Contact
from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.parts import homes, points_of, whole_part
from quartier_drivers.profile import Profile

CAPS = ("import_max_w", "export_max_w", "generation_max_w", "consumption_max_w")
"""What a contact may cap; at least one of them."""


def flaws_of_contacts(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Unknown parts, parts with two owners, parts that are no input, and contacts that cap nothing."""
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in homes(asset)}
    for name, contact in draft.contacts.items():
        path = ("contacts", name)
        if all(getattr(contact, cap) is None for cap in CAPS):
            yield Flaw(path, f"caps nothing; expected at least one of {', '.join(CAPS)}")
        home = (contact.device, contact.part, "part" if contact.part else "device")
        yield from whole_part(profiles, path, home)
        holder = owners.setdefault(home[:2], name)
        if holder != name:
            what = f"that part belongs to {holder!r} already; expected a part of its own"
            yield Flaw((*path, home[2]), what)
        yield from _input(path, contact, profiles)


def _input(path: tuple[str, str], contact: Contact, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    own = points_of(profiles, contact.device, contact.part)
    if own is not None and "input_on" not in own:
        what = f"{profiles[contact.device].name} has no input_on there, which a contact needs"
        yield Flaw((*path, "part" if contact.part else "device"), what)


def is_lost(flaw: Flaw, draft: Draft) -> bool:
    """Whether a flaw leaves a contact without its name or its caps; one whose device is wrong has both."""
    table, *rest = flaw.path
    return table == "contacts" and (len(rest) < 2 or rest[0] not in draft.contacts)
