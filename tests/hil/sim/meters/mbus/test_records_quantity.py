import pytest

from quartier_sim.meters.mbus.records import QUANTITIES


@pytest.mark.parametrize(
    ("name", "exponent", "vif"),
    [
        ("energy", 3, "06"),
        ("volume", -3, "13"),
        ("power", 0, "2b"),
        ("flow", -3, "3b"),
        ("flow_temperature", -2, "59"),
        ("pressure", -3, "68"),
        ("energy_mwh", 5, "fb00"),
        ("energy_gj", 9, "fb09"),
        ("voltage", -1, "fd48"),
        ("current", -3, "fd59"),
    ],
)
def test_codes_are_those_of_the_tables(name, exponent, vif):
    assert vif == QUANTITIES[name].vif(exponent).hex()


def test_an_exponent_outside_the_table_is_refused():
    with pytest.raises(ValueError, match="10\\^9 Wh"):
        QUANTITIES["energy"].vif(9)


def test_no_code_means_two_quantities():
    codes = [kind.vif(exponent) for kind in QUANTITIES.values() for exponent in kind.exponents]

    assert len(set(codes)) == len(codes)
