from quartier_sim.meters import telegrams
from quartier_sim.meters.sml.encoding import (
    MakerDeviations,
    build_close_message,
    build_list_message,
    build_open_message,
    encode_time,
)

ID = bytes.fromhex("0001")


def test_a_message_ends_with_its_check_and_a_zero():
    for habit in (MakerDeviations(), MakerDeviations(kermit=True)):
        found = build_close_message(ID, habit)
        assert "7603000162006200726302017101" == found[:-4].hex()
        assert b"\x63" + habit.check(found[:-4]).to_bytes(2, "little") + b"\x00" == found[-4:]
    assert telegrams.compute_crc_kermit is MakerDeviations(kermit=True).check


def test_time_is_a_choice_except_at_one_maker():
    assert "72620165000000ff" == encode_time(255, MakerDeviations()).hex()
    assert "65000000ff" == encode_time(255, MakerDeviations(bare_time=True)).hex()
    assert "01" == encode_time(None, MakerDeviations()).hex()


def test_bodies_are_those_of_their_tags():
    assert (
        "7603000162006200726301017601010200020a"
        == build_open_message(ID, b"\x00", b"\x0a", MakerDeviations())[:19].hex()
    )
    assert "726307017701" in build_list_message(ID, b"\x0a", [], 1, MakerDeviations()).hex()
