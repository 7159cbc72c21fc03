"""Streams of the rig's meters, which were encoded without a look at the decoders: clean ones and over bad lines.

No group that went through whole may be lost, and nothing may be told that was not said, as far as the
checksum reaches.
"""

import datetime as dt
from collections import Counter
from random import Random

import pytest

from quartier_drivers.meter import protocols
from quartier_drivers.meter.keys import NO_KEYS, MeterKeys
from quartier_sim.meters.captures import CAPTURES
from quartier_sim.meters.dlms.push_meters import EXAMPLE_KEYS
from quartier_sim.meters.line_noise import LINE_QUALITIES, damage_telegrams
from quartier_sim.meters.sml.encoding import MakerDeviations, make_identity_entry, make_number_entry
from quartier_sim.meters.sml.sml_meters import OpticalHead, build_file

COUNT = 60
SECRETS = MeterKeys(EXAMPLE_KEYS.encryption, EXAMPLE_KEYS.authentication)
BAD_LINES = ("weak", "humming", "loose", "awful")
# A CRC of 16 bits or a sum of GCM: at this many telegrams nothing wrong comes through.
STRONG = (
    "p1-dutch",
    "p1-smarty",
    "sml",
    "sml-kermit",
    "dlms-hdlc",
    "dlms-segmented",
    "dlms-ciphered",
    "dlms-ciphered-mbus",
)
# One of 64 damaged groups, and those whose bit of value 64 fell: six bits see neither.
WEAK_SHARE_MAX = 0.05
# On TCP nothing is damaged, and the wrapper has no checksum.
UNDAMAGED = ("dlms-wrapper",)


def _decoder(name):
    protocol = name.partition("-")[0]
    settings = {"checksum": "kermit"} if name == "sml-kermit" else {}
    ciphered = "ciphered" in name or "smarty" in name
    return protocols.make_decoder(protocol, settings, SECRETS if ciphered else NO_KEYS, is_capture=True)


def _told(name, data, seed):
    """Labels and values as decoded from random chunks."""
    decoder, random, found, at = _decoder(name), Random(seed), Counter(), 0
    telegrams = []
    while at < len(data):
        size = random.choice((1, 7, 64, 4096))
        telegrams += decoder.feed(bytes(data[at : at + size]))
        at += size
    for telegram in [*telegrams, *decoder.end()]:
        found.update(_key(group.label, group.value) for group in telegram.groups)
    return found, decoder.counts


def _key(label, value):
    number = isinstance(value, int | float)
    return label, f"{float(value):.9g}" if number else value


def _said(pieces, *, texts):
    """What pieces state: numbers, and texts where they are told as they are sent."""
    return Counter(
        _key(said.label, said.value) for piece in pieces for said in piece.says if texts or said.is_number
    )


@pytest.mark.parametrize("name", CAPTURES)
def test_all_that_a_meter_says_is_told(name):
    telegrams = list(CAPTURES[name](3, COUNT))
    told, counts = _told(name, b"".join(telegram.data for telegram in telegrams), 5)

    missing = _said(
        [piece for telegram in telegrams for piece in telegram.pieces], texts=name.startswith("tic")
    )
    missing.subtract(told)
    if name != "p1":  # where telegrams with a check come, one without is none
        assert not +missing
        assert 0 == counts.bad_count


@pytest.mark.parametrize("line", BAD_LINES)
@pytest.mark.parametrize("name", [name for name in CAPTURES if name not in UNDAMAGED and name != "p1"])
def test_noise_costs_what_it_hit_and_no_more_and_invents_nothing(name, line):
    telegrams = list(CAPTURES[name](17, COUNT))
    heard = damage_telegrams(telegrams, LINE_QUALITIES[line], 19)
    told, _ = _told(name, heard.data, 23)

    missing = _said(heard.intact, texts=name.startswith("tic"))
    missing.subtract(told)
    assert not +missing
    if name in STRONG or name.startswith("tic"):
        clean, _ = _told(name, b"".join(telegram.data for telegram in telegrams), 23)
        invented = sum(count for key, count in told.items() if key not in clean)
        assert invented <= (0 if name in STRONG else WEAK_SHARE_MAX * len(heard.hit))


@pytest.mark.parametrize("filling", range(4))
@pytest.mark.parametrize("count", [4, 5, 8, 12])
def test_escapes_within_an_sml_file_are_data(filling, count):
    entries = [
        make_identity_entry("1-0:96.1.0", bytes(filling) + b"\x1b" * count),
        make_number_entry("1-0:16.7.0", 0x1B1B1B1B, width=4, unit="W"),
    ]
    told, counts = _told("sml", build_file(entries, b"\x1b" * count, 1, 0x1B1B1B1B).data, 5)

    assert 1 == told[_key("1-0:16.7.0", 0x1B1B1B1B)]
    assert 0 == counts.bad_count


@pytest.mark.parametrize(
    ("settings", "head"),
    [
        ({"defects": ("unsigned-power",)}, OpticalHead(phases=1, unsigned_power=True)),
        ({"checksum": "kermit"}, OpticalHead(habit=MakerDeviations(kermit=True, bare_time=True))),
    ],
    ids=["unsigned", "holley"],
)
def test_a_makers_defect_is_mended_by_its_setting(settings, head):
    head.tell({"power_w": -900.0, "energy_export_wh": 5.0}, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    (telegram,) = protocols.make_decoder("sml", settings).feed(head.telegram().data)

    told = {group.label: group.value for group in telegram.groups}
    assert (-900, 5.0) == (told["1-0:16.7.0"], told["1-0:2.8.0"])
