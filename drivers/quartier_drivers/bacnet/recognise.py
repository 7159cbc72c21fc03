"""Which profiles fit what a BACnet device says of itself: its vendor, its model.  Pure."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from quartier_drivers.bacnet.profile import BacnetProfile
from quartier_drivers.modbus.recognise import Guess, Sure, ranked


def guesses(vendor_id: int, identity: Mapping[str, str], profiles: Iterable[BacnetProfile]) -> list[Guess]:
    """Those whose marks are not contradicted, the surest first.

    The model is what tells: with it a profile is sure, by the vendor alone it is possible.
    """
    found = (_guess(vendor_id, identity.get("model-name"), one) for one in profiles)
    return ranked(one for one in found if one is not None)


def _guess(vendor_id: int, model: str | None, profile: BacnetProfile) -> Guess | None:
    mark = profile.mark
    if mark is None or mark.vendor_id not in (None, vendor_id):
        return None
    told = [] if mark.vendor_id is None else [f"its vendor is {vendor_id}"]
    sure: Sure = "possible"
    if mark.model is not None and model is not None:
        if not fnmatchcase(model.lower(), mark.model.lower()):
            return None
        told.append(f"its model is {model!r}")
        sure = "sure"
    elif mark.model is not None:
        told.append("not told: its model")
    if sure == "possible" and mark.vendor_id is None:
        return None
    return Guess(profile.name, sure, "; ".join(told), len(told))
