"""Lines of real Linkys, typed from captures: LF and CR are left out here."""

import pytest

from quartier_sim.meters.tic.frames import (
    build_broken_frame,
    build_frame,
    build_historique_group,
    build_standard_group,
    compute_check,
)


@pytest.mark.parametrize(
    "line",
    [
        "ADCO 020000000001 Z",
        "OPTARIF BBR( S",
        "ISOUSC 30 9",
        "IINST 012 Z",
        "IMAX 090 H",
        "PAPP 02840 /",
        "HHPHC A ,",
    ],
)
def test_a_group_of_historique_is_a_real_ones(line):
    label, value = line[:-2].split(" ")

    assert f"\n{line}\r".encode() == build_historique_group(label, value).data


@pytest.mark.parametrize(
    ("label", "stamp", "value", "sum_"),
    [
        ("ADSC", "", "012345678910", ";"),
        ("DATE", "H240210121355", "", ";"),
        ("NGTF", "", "base            ", "<"),
        ("SMAXSN", "H240210110331", "00986", "6"),
        ("UMOY1", "H240210121000", "241", '"'),
        ("STGE", "", "003A0000", "9"),
        ("NJOURF+1", "", "00", "B"),
    ],
)
def test_a_group_of_standard_is_a_real_ones(label, stamp, value, sum_):
    fields = [label, stamp, value, sum_] if stamp else [label, value, sum_]

    assert ("\n" + "\t".join(fields) + "\r").encode() == build_standard_group(label, value, stamp=stamp).data


def test_the_check_is_always_a_printable_byte():
    assert {bytes([byte]) for byte in range(0x20, 0x60)} == {
        compute_check(bytes([byte])) for byte in range(256)
    }


def test_a_frame_stands_between_stx_and_etx_and_a_broken_one_ends_with_eot():
    groups = [build_historique_group("IINST", "012"), build_historique_group("PAPP", "02840")]

    assert b"\x02\nIINST 012 Z\r\nPAPP 02840 /\r\x03" == build_frame(groups).data
    assert b"\x02\nIINST 012 Z\r\x04" == build_broken_frame(groups[:1]).data
    assert b"\x02\nIINST 012 Z\r" == build_broken_frame(groups[:1], ending=b"").data
    assert ["IINST", "PAPP"] == [said.label for said in build_frame(groups).statements]
