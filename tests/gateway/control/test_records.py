from quartier.control.records import Preference


def test_a_leaning_is_a_value():
    assert Preference(1, 0, 2, "C", "free") == Preference(1, 0, 2, "C", "free")
