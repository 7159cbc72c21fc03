"""What the rig's meters of modes C and D say, by an encoder that knows nothing of the decoder."""

import pytest

from quartier_drivers.meter.iec62056 import decoder
from quartier_hil.devices.meters.kinds import CAPTURES
from quartier_hil.devices.meters.noise import LINES, damage


def told(telegrams):
    return [(group.label, group.value, group.unit) for telegram in telegrams for group in telegram.groups]


def meant(statements):
    return [(one.label, one.value, one.unit) for one in statements]


@pytest.mark.parametrize("kind", ["iec62056-c", "iec62056-d"])
def test_everything_that_was_said_is_told(kind):
    telegrams = list(CAPTURES[kind](20261125, 250))
    heard = decoder().feed(b"".join(one.data for one in telegrams))

    assert [said for one in telegrams for said in meant(one.statements)] == told(heard)


@pytest.mark.parametrize("kind", ["iec62056-c", "iec62056-d"])
@pytest.mark.parametrize("line", ["weak", "humming", "loose"])
def test_of_a_bad_line_nothing_whole_is_lost(kind, line):
    telegrams = list(CAPTURES[kind](7, 300))
    heard = damage(telegrams, LINES[line], 7)
    found = told(decoder().feed(bytes(heard.data)))

    rest = iter(found)
    whole = [said for piece in heard.intact for said in meant(piece.says)]
    assert all(any(said == other for other in rest) for said in whole)
