from quartier.control.leaning import Leaning


def test_a_leaning_is_a_value():
    assert Leaning(1, 0, 2, "C", "free") == Leaning(1, 0, 2, "C", "free")
