from quartier.config.checks.site_draft import FIXED_SECTIONS
from quartier.config.key_table import SectionKey, format_toml, list_section_keys, list_subtables
from quartier.config.sections.asset_sections import BatterySection
from quartier.config.sections.connection_sections import ShareSection
from quartier.config.sections.site_file import DeadbandsSection, StoreSection
from quartier_drivers.registry import load_section


def test_a_key_says_what_may_stand_there_and_its_default() -> None:
    found = {key.name: key for key in list_section_keys(BatterySection)}

    assert (
        SectionKey("soc_min_pct", "number, 0..100", "Never discharged below this.", False, "10")
        == found["soc_min_pct"]
    )
    assert ('"A", "B", "C", "D"', '"D"') == (found["tier"].value, found["tier"].default)
    assert (True, None) == (found["rated_w"].required, found["rated_w"].default)
    assert (False, None) == (found["charge_max_w"].required, found["charge_max_w"].default)


def test_what_says_the_kind_comes_first() -> None:
    assert "role" == next(list_section_keys(BatterySection)).name
    assert "kind" == next(list_section_keys(load_section("modbus-tcp"))).name


def test_inner_tables_stand_apart() -> None:
    assert [("deadbands", DeadbandsSection)] == [
        (name, model) for name, model, _ in list_subtables(StoreSection)
    ]
    assert "deadbands" not in {key.name for key in list_section_keys(FIXED_SECTIONS["store"])}


def test_values_are_written_as_toml() -> None:
    assert ("10", "0.5", '"a\\"b"', "true", "[]") == tuple(
        format_toml(value) for value in (10.0, 0.5, 'a"b', True, ())
    )


def test_a_list_says_what_it_is_a_list_of() -> None:
    found = {key.name: key.value for key in list_section_keys(ShareSection)}

    assert ("list of texts", "list of whole numbers") == (found["clients"], found["units"])
