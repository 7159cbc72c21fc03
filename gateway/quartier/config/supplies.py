"""What is wrong with the grid operator's meters that cap the import: parts, owners, what they do not say."""

from collections.abc import Iterator, Mapping

from quartier.config.draft import Draft
from quartier.config.faults import Flaw
from quartier.config.parts import homes, points_of, whole_part
from quartier_drivers.profile import Profile

SUBSCRIBED = ("subscribed_power_va", "subscribed_current_a")
"""What is subscribed, one of which the meter must say."""


def flaws_of_supplies(draft: Draft, profiles: Mapping[str, Profile]) -> Iterator[Flaw]:
    """Unknown parts, parts with two owners, and meters that do not say what is subscribed."""
    owners = {home[:2]: name for name, asset in draft.assets.items() for home in homes(asset)}
    owners |= {(contact.device, contact.part): name for name, contact in draft.contacts.items()}
    for name, supply in draft.supplies.items():
        path = ("supplies", name)
        home = (supply.device, supply.part, "part" if supply.part else "device")
        yield from whole_part(profiles, path, home)
        holder = owners.setdefault(home[:2], name)
        if holder != name:
            what = f"that part belongs to {holder!r} already; expected a part of its own"
            yield Flaw((*path, home[2]), what)
        own = points_of(profiles, supply.device, supply.part)
        if own is not None and not set(SUBSCRIBED) & own.keys():
            what = f"{profiles[supply.device].name} says neither {' nor '.join(SUBSCRIBED)} there"
            yield Flaw((*path, home[2]), f"{what}; expected one of them")
