"""``quartier decode`` reads a capture from standard input."""

import io
import json
import sys
from types import SimpleNamespace

import pytest

from quartier.cli import main
from quartier.cli.arguments.commands import make_parser
from quartier_drivers.registry import METER_PROTOCOLS


def group(label, value):
    text = f"{label}\t{value}\t".encode()
    return b"\n" + text + bytes([(sum(text) & 0x3F) + 0x20]) + b"\r"


FRAME = b"\x02" + group("ADSC", "012345678910") + group("EAST", "003519702") + b"\x03"


@pytest.fixture
def feed(monkeypatch):
    def run(data, *arguments):
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        return main(["decode", *arguments])

    return run


def test_each_frame_is_one_json_line_and_a_summary_ends_it(feed, capsys):
    assert 0 == feed(FRAME * 2, "tic")

    out, err = capsys.readouterr()
    frames = [json.loads(line) for line in out.splitlines()]
    assert [1, 2] == [frame["frame"] for frame in frames]
    assert {"frame", "meter", "profile", "sure", "why", "points", "groups", "bad"} == set(frames[0])
    assert "2 frames, 4 groups good, 0 bad" in err
    assert "012345678910 (Linky (maker 01, 2023)):\n  profile enedis/linky_standard, sure: states ADSC" in err


def test_a_person_gets_one_short_line_a_frame(feed, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert 0 == feed(FRAME, "tic")
    assert "frame 1: energy_import_wh 3,519,702 Wh, meter_text 012345678910" in capsys.readouterr().out
    assert 0 == feed(FRAME, "tic", "--json")
    assert 1 == json.loads(capsys.readouterr().out)["frame"]


# SmlLib 1.7, tests/test_frames.py: a signed message of an EMH meter.
NOTHING_READ = b"""
1B1B1B1B010101017605C4ACC7C062006200726301017601054562656505D2B35E770B0901454D480000CACF7E010163FA59
007605C4ACC7BF620062007263070177010B0901454D480000CACF7E078180817103FF72620165001E3F7D74770781828154
01FF017262037365671B632253003C53003C010105422CCD8C0177070100011100FF640000087262037365671B632353003C
53003C621E52FF560000009E3C0177078100600800010101010172620172620165001E3F500177078180817101FF01010101
650000000F018304C36D58A17F56377BC23212F85BD600D8EE69776B77BEEB3D53B88037AC44F96465F8A2BEFFDA63450D97
C2EDE9C8A1DD00030163B127007605C4ACC7C162006200726302017101637A1700001B1B1B1B1A01D863
"""


def test_what_no_profile_reads_is_said(feed, capsys):
    assert 0 == feed(NOTHING_READ, "sml", "--hex")
    assert "0901454d480000cacf7e (EMH):\n  no profile reads it" in capsys.readouterr().err


def test_hex_may_be_written_in_any_way(feed, capsys):
    assert 0 == feed(FRAME.hex(" ").upper().encode() + b"\r\n", "tic", "--hex")
    assert 0 == feed(FRAME.hex(":").encode(), "tic", "--hex")
    assert 2 == capsys.readouterr().out.count('"frame": 1')


def test_nothing_good_is_exit_1(feed, capsys):
    assert 1 == feed(b"\x00\xff" * 1000, "tic")
    assert 1 == feed(b"", "tic")
    assert "" == capsys.readouterr().out


HINTS = [
    (b"", "p1", "standard input is empty"),
    (FRAME * 2, "sml", "nothing of sml in it; it is tic"),
    (FRAME.hex().encode(), "tic", "try --hex"),
    (b"\x00\xff" * 1000, "tic", "nothing of tic in it that is whole"),
]


@pytest.mark.parametrize(("data", "protocol", "hint"), HINTS)
def test_what_a_capture_may_be_instead_is_said(feed, capsys, data, protocol, hint):
    assert 1 == feed(data, protocol)
    assert hint in capsys.readouterr().err


def test_no_standard_input_at_all_is_wrong_use(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)

    assert 2 == main(["decode", "tic"])
    assert "no standard input" in capsys.readouterr().err


def test_a_key_file_that_others_may_read_is_told(feed, capsys, tmp_path):
    file = tmp_path / "meter.keys"
    file.write_text(f'encryption_key = "{"0" * 32}"')
    for mode, is_told in ((0o644, True), (0o600, False)):
        file.chmod(mode)
        feed(FRAME, "tic", "--key-file", str(file))
        assert is_told == ("is open to others" in capsys.readouterr().err)


@pytest.mark.parametrize(
    ("data", "arguments"),
    [
        (b"no hex", ("tic", "--hex")),
        (b"abc", ("tic", "--hex")),
        (b"", ("tic", "--profile", "no/such")),
        (b"", ("tic", "--profile", "eastron/sdm630")),
        (b"", ("tic", "--key-file", "/nowhere/keys")),
    ],
)
def test_wrong_use_is_exit_2(feed, capsys, data, arguments):
    assert 2 == feed(data, *arguments)
    assert capsys.readouterr().err.startswith("quartier decode: ")


def test_an_unknown_protocol_is_wrong_use(feed):
    with pytest.raises(SystemExit) as left:
        feed(b"", "nonsense")
    assert 2 == left.value.code


@pytest.mark.parametrize("protocol", METER_PROTOCOLS)
def test_every_protocol_can_be_asked_for(protocol):
    assert protocol == make_parser().parse_args(["decode", protocol]).protocol
