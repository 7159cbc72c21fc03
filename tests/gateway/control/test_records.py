from quartier.control.records import Preference


def test_equal_preferences_compare_equal():
    assert Preference(1, 0, 2, "C", "free") == Preference(1, 0, 2, "C", "free")
