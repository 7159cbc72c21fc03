"""Each way to spoil an answer spoils just that."""

import pytest

from quartier_sim.modbus.quirks import QUIRKS, QuirkFrame, apply_quirk

ASKED = bytes.fromhex("03 0010 0002")
RIGHT = QuirkFrame(1, bytes.fromhex("03 04 1234 5678"), number=7)


def frames(name: str, right: QuirkFrame = RIGHT, asked: bytes = ASKED) -> list[str]:
    return [one.rtu().hex(" ", 2) for one in apply_quirk(QUIRKS[name], right, asked)]


def pdus(name: str, right: QuirkFrame = RIGHT, asked: bytes = ASKED) -> list[bytes]:
    return [one.pdu for one in apply_quirk(QUIRKS[name], right, asked)]


@pytest.mark.parametrize(
    ("name", "pdu"),
    [
        ("wrong-function", "04 04 1234 5678"),
        ("short-answer", "03 02 1234"),
        ("long-answer", "03 06 1234 5678 5555"),
        ("lying-count", "03 06 1234 5678"),
        ("busy", "83 06"),
        ("acknowledges", "83 05"),
        ("fails", "83 04"),
        ("target-silent", "83 0b"),
    ],
)
def test_what_stands_in_a_spoilt_answer(name: str, pdu: str) -> None:
    assert [bytes.fromhex(pdu)] == pdus(name)


def test_only_reads_have_a_count_to_spoil() -> None:
    echo = bytes.fromhex("06 0010 1234")

    for name in ("short-answer", "long-answer", "lying-count", "dirty-padding"):
        assert [echo] == pdus(name, QuirkFrame(1, echo), echo)


def test_padding_is_what_lies_behind_the_last_coil() -> None:
    coils = QuirkFrame(1, bytes.fromhex("01 02 00 01"))

    assert [bytes.fromhex("01 02 00 FD")] == pdus("dirty-padding", coils, bytes.fromhex("01 0000 000A"))
    assert [bytes.fromhex("01 02 00 01")] == pdus("dirty-padding", coils, bytes.fromhex("01 0000 0010"))


def test_a_frame_is_cut_doubled_delayed_or_not_said_at_all() -> None:
    whole = RIGHT.rtu()

    assert [whole[: len(whole) // 2]] == [
        one.rtu() for one in apply_quirk(QUIRKS["cut-answer"], RIGHT, ASKED)
    ]
    assert [whole, whole] == [one.rtu() for one in apply_quirk(QUIRKS["twice"], RIGHT, ASKED)]
    assert [] == apply_quirk(QUIRKS["silence"], RIGHT, ASKED)
    (late,) = apply_quirk(QUIRKS["late"], RIGHT, ASKED)
    assert (True, QUIRKS["late"].seconds) == (late.late, late.wait_s)
    (slow,) = apply_quirk(QUIRKS["byte-by-byte"], RIGHT, ASKED)
    assert QUIRKS["byte-by-byte"].seconds == slow.spread_s


def test_units_numbers_and_checks_are_spoilt_around_a_right_answer() -> None:
    (other,) = apply_quirk(QUIRKS["wrong-unit"], RIGHT, ASKED)
    (old,) = apply_quirk(QUIRKS["old-number"], RIGHT, ASKED)
    (wrong,) = apply_quirk(QUIRKS["wrong-checksum"], RIGHT, ASKED)
    (noisy,) = apply_quirk(QUIRKS["noise"], RIGHT, ASKED)

    assert (2, RIGHT.pdu) == (other.unit, other.pdu)
    assert bytes.fromhex("0006 0000 0007 01") == old.tcp()[:7]
    assert RIGHT.rtu()[:-1] == wrong.rtu()[:-1]
    assert RIGHT.rtu() != wrong.rtu()
    assert noisy.rtu().endswith(RIGHT.rtu())
    assert len(noisy.rtu()) > len(RIGHT.rtu())


def test_without_a_quirk_the_answer_is_the_right_one() -> None:
    assert [RIGHT] == apply_quirk(None, RIGHT, ASKED)
    assert frames("half-open") == [RIGHT.rtu().hex(" ", 2)]
