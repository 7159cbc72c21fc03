import pytest

from quartier_district.fleet.district_file import DistrictFileError, Tariff, load_district_file

PLACE = """
[[buildings]]
edge = "{edge}"
contract_import_w = 12000
contract_export_w = 6000
failsafe_import_w = {share}
failsafe_export_w = 1000
"""
HEAD = "[transformer]\nimport_max_w = 10000\nexport_max_w = 9000\nother_w = 1000\n"


def test_shares_that_pass_the_transformer_together_are_a_fault_with_the_remedy(tmp_path):
    path = tmp_path / "district.toml"
    path.write_text(HEAD + PLACE.format(edge="b001", share=5_000) + PLACE.format(edge="b002", share=4_000))
    assert 9_000.0 == load_district_file(path).limit_w("import")

    path.write_text(HEAD + PLACE.format(edge="b001", share=5_000) + PLACE.format(edge="b002", share=4_001))
    with pytest.raises(
        DistrictFileError, match="shares of import are 9001 W together.*9000 W.*make them smaller"
    ):
        load_district_file(path)


def test_all_faults_of_a_file_are_told_with_their_key(tmp_path):
    path = tmp_path / "district.toml"
    path.write_text(HEAD + "colour = 1\n" + PLACE.format(edge="b/1", share=-1) + "stay = 3\n")
    with pytest.raises(DistrictFileError) as found:
        load_district_file(path)

    assert {
        "transformer.colour",
        "buildings.0.edge",
        "buildings.0.failsafe_import_w",
        "buildings.0.stay",
    } <= {line.split(": ")[1] for line in str(found.value).splitlines()}


def test_a_cohort_names_buildings_that_there_are_and_a_share_stays_below_its_contract(roster, tmp_path):
    with pytest.raises(ValueError, match="cohort: there is no building b009"):
        roster(cohort=("b009",))
    path = tmp_path / "district.toml"
    path.write_text(HEAD.replace("10000", "90000") + PLACE.format(edge="b001", share=12_001))
    with pytest.raises(DistrictFileError, match="b001: failsafe_import_w is above its contract"):
        load_district_file(path)


def test_a_missing_file_and_one_that_is_no_toml_say_so(tmp_path):
    with pytest.raises(DistrictFileError, match=r"away.toml: No such file"):
        load_district_file(tmp_path / "away.toml")
    (tmp_path / "bad.toml").write_text("x = ")
    with pytest.raises(DistrictFileError, match=r"bad.toml: Invalid value"):
        load_district_file(tmp_path / "bad.toml")


def test_a_tariff_has_one_price_or_one_for_each_local_hour(now_ms):
    by_hour = Tariff(import_eur_per_kwh=tuple(float(hour) for hour in range(24)))

    assert 0.25 == Tariff().at(Tariff().import_eur_per_kwh, now_ms)
    assert 22.0 == by_hour.at(by_hour.import_eur_per_kwh, now_ms)
    with pytest.raises(ValueError, match="import_eur_per_kwh has 2 values; one or 24"):
        Tariff(import_eur_per_kwh=(1.0, 2.0))
