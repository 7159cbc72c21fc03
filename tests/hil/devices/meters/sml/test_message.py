from quartier_hil.devices.meters import checks
from quartier_hil.devices.meters.sml.message import Habit, closing, listing, moment, opening

ID = bytes.fromhex("0001")


def test_a_message_ends_with_its_check_and_a_zero():
    for habit in (Habit(), Habit(kermit=True)):
        found = closing(ID, habit)
        assert "7603000162006200726302017101" == found[:-4].hex()
        assert b"\x63" + habit.check(found[:-4]).to_bytes(2, "little") + b"\x00" == found[-4:]
    assert checks.kermit is Habit(kermit=True).check


def test_time_is_a_choice_except_at_one_maker():
    assert "72620165000000ff" == moment(255, Habit()).hex()
    assert "65000000ff" == moment(255, Habit(bare_time=True)).hex()
    assert "01" == moment(None, Habit()).hex()


def test_bodies_are_those_of_their_tags():
    assert "7603000162006200726301017601010200020a" == opening(ID, b"\x00", b"\x0a", Habit())[:19].hex()
    assert "726307017701" in listing(ID, b"\x0a", [], 1, Habit()).hex()
