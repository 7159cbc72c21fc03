from quartier.config.draft import FIXED
from quartier.config.keys import Key, keys, subtables, toml
from quartier.config.model import Battery, Deadbands, Store
from quartier.config.shares import Share
from quartier_drivers.registry import section


def test_a_key_says_what_may_stand_there_and_its_default() -> None:
    found = {key.name: key for key in keys(Battery)}

    assert (
        Key("soc_min_pct", "number, 0..100", "Never discharged below this.", False, "10")
        == found["soc_min_pct"]
    )
    assert ('"A", "B", "C", "D"', '"D"') == (found["tier"].value, found["tier"].default)
    assert (True, None) == (found["rated_w"].required, found["rated_w"].default)
    assert (False, None) == (found["charge_max_w"].required, found["charge_max_w"].default)


def test_what_says_the_kind_comes_first() -> None:
    assert "role" == next(keys(Battery)).name
    assert "kind" == next(keys(section("modbus-tcp"))).name


def test_inner_tables_stand_apart() -> None:
    assert [("deadbands", Deadbands)] == [(name, model) for name, model, _ in subtables(Store)]
    assert "deadbands" not in {key.name for key in keys(FIXED["store"])}


def test_values_are_written_as_toml() -> None:
    assert ("10", "0.5", '"a\\"b"', "true", "[]") == tuple(
        toml(value) for value in (10.0, 0.5, 'a"b', True, ())
    )


def test_a_list_says_what_it_is_a_list_of() -> None:
    found = {key.name: key.value for key in keys(Share)}

    assert ("list of texts", "list of whole numbers") == (found["clients"], found["units"])
