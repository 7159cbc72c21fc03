"""Who is there: the I-Am of a device (ASHRAE 135-2020, 16.10), read from the bytes because they tell its
router.
"""

from dataclasses import dataclass

from quartier_drivers.bacnet.address import Host, Place
from quartier_drivers.bacnet.values import ObjectId, elements
from quartier_drivers.bacnet.words import OBJECTS
from quartier_native.bacnet import ENUMERATED, OBJECT, UNSIGNED, FaultError

SERVICE = 0
"""Of the unconfirmed ones (clause 21, BACnetUnconfirmedServiceChoice)."""
SEGMENTED_BOTH, SEGMENTED_TRANSMIT, SEGMENTED_RECEIVE, NO_SEGMENTATION = range(4)
"""BACnetSegmentation."""


@dataclass(frozen=True, slots=True)
class IAm:
    """A device: its instance, where it is, the largest APDU it takes, what it can segment, its vendor."""

    instance: int
    place: Place
    apdu_max: int
    segmentation: int
    vendor_id: int


def heard(data: bytes, at: int, host: Host, source: bytes) -> IAm | None:
    """The I-Am whose own part begins at ``at``; None where it is none.  ``source``: network and MAC behind
    ``host``.
    """
    try:
        said = elements(data[at:])
    except FaultError:
        return None
    if [one.kind for one in said] != [OBJECT, UNSIGNED, ENUMERATED, UNSIGNED]:
        return None
    device, apdu_max, segmentation, vendor_id = (one.value for one in said)
    if not isinstance(device, ObjectId) or device.object_type != OBJECTS["device"]:
        return None
    if not (isinstance(apdu_max, int) and isinstance(segmentation, int) and isinstance(vendor_id, int)):
        return None
    place = Place(host, int.from_bytes(source[:2], "big"), source[2:]) if source else Place(host)
    return IAm(device.instance, place, apdu_max, segmentation, vendor_id)
