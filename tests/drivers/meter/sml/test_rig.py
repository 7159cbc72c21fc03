"""What the rig's SML meters say, by an encoder that knows nothing of the decoder, clean and over bad lines."""

import pytest

from quartier_drivers.meter.sml.push_decoder import make_decoder
from quartier_sim.meters.captures import CAPTURES
from quartier_sim.meters.line_noise import LINE_QUALITIES, damage_telegrams


def told(telegrams):
    return [(group.label, group.value, group.unit) for telegram in telegrams for group in telegram.groups]


def meant(statements):
    return [(one.label, one.value, one.unit) for one in statements]


@pytest.mark.parametrize("kind", ["sml", "sml-kermit"])
def test_everything_that_was_said_is_told(kind):
    telegrams = list(CAPTURES[kind](20261125, 250))
    heard = make_decoder(checksum="kermit").feed(b"".join(one.data for one in telegrams))

    assert 250 == len(heard)
    assert [said for one in telegrams for said in meant(one.statements)] == told(heard)


@pytest.mark.parametrize("line", ["weak", "humming", "loose", "awful"])
def test_of_a_bad_line_nothing_whole_is_lost_and_nothing_is_made_up(line):
    telegrams = list(CAPTURES["sml"](7, 300))
    heard = damage_telegrams(telegrams, LINE_QUALITIES[line], 7)
    said = [meant(one.statements) for one in telegrams]
    whole = [one for one in (meant(piece.says) for piece in heard.intact) if one]
    found = [told([telegram]) for telegram in make_decoder().feed(bytes(heard.data))]

    assert all(one in said for one in found)
    rest = iter(found)
    assert all(any(one == other for other in rest) for one in whole)
