"""The rig's Linky, which encodes by its own code, read through lines of every kind."""

import datetime as dt
from collections import Counter

import pytest

from quartier_drivers.meter.tic import push_decoder
from quartier_sim.meters.line_noise import LINE_QUALITIES, damage_telegrams
from quartier_sim.meters.tic import random_frames
from quartier_sim.meters.tic.linky import Linky

COUNT = 250
NOON = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)


def read(data: bytes, step: int = 1 << 20):
    decoder = push_decoder.make_decoder()
    found = [one for at in range(0, len(data), step) for one in decoder.feed(data[at : at + step])]
    return [*found, *decoder.end()]


def said(statements) -> list[tuple]:
    return [(one.label, one.value, one.unit, one.time, dict(one.more)) for one in statements]


def counted(statements) -> Counter:
    return Counter((one.label, one.value, one.time) for one in statements)


@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_what_the_rig_sends_is_read_group_by_group(mode):
    sent = list(random_frames.generate_telegrams(11, COUNT, mode))
    heard = read(b"".join(one.data for one in sent))

    assert [said(one.statements) for one in sent] == [said(one.groups) for one in heard]
    assert [one.meter for one in sent] == [one.meter for one in heard]


@pytest.mark.parametrize("line", LINE_QUALITIES)
@pytest.mark.parametrize("mode", ["standard", "historique"])
def test_noise_costs_what_it_hit_and_hardly_more(mode, line):
    sent = list(random_frames.generate_telegrams(12, COUNT, mode))
    wire = damage_telegrams(sent, LINE_QUALITIES[line], 5)
    heard = counted(group for one in read(bytes(wire.data), 61) for group in one.groups)
    intact = counted(statement for piece in wire.intact for statement in piece.says)
    hit_count = sum(bool(piece.says) for piece in wire.hit)
    everything = counted(statement for one in sent for statement in one.statements)

    # A group before lines that vanished without a trace is in doubt, too.
    assert sum((intact - heard).values()) <= hit_count / 64
    assert sum((heard - everything).values()) <= hit_count / 64


def test_an_over_current_of_three_phases_is_in_every_short_frame():
    linky = Linky(mode="historique", phases=3, reference_kva=6)
    linky.tell({"power_w": 9_000.0}, NOON)
    heard = read(b"".join(linky.telegram().data for _ in range(6)))
    short = [one for one in heard if one.groups[0].label.startswith("ADIR")]

    assert len(short) >= 4
    assert all(one.is_whole and one.meter == "041976000001" for one in short)
