"""Two machines of one name: the one whose place was taken gives way, and tries again much later (pure).

A takeover at the broker (0x8E) alone does not say who is meant to go on.  A watermark that names a boot
which none of our starts had does: the district stores what another machine sends under our name.
"""

from collections.abc import Callable

from quartier.district.downlink import read_watermark
from quartier.district.effects import Note


def superseded(watermark: bytes, is_stranger: Callable[[int], bool]) -> Note | None:
    """The alarm where the district stores samples of a boot that is not ours; None where it does not."""
    found = read_watermark(watermark)
    if found is None:
        return None
    boot = next((mark.boot for mark in found.streams.values() if is_stranger(mark.boot)), None)
    if boot is None:
        return None
    text = (
        f"another machine is this gateway now (boot {boot} is none of ours): the next try is in some minutes"
    )
    return Note("district.superseded", text, {"boot": boot}, alarm=True)
