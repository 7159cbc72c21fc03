import argparse
import json
import urllib.request

import pytest

from quartier_district import district_command
from quartier_district.fleet.district_file import DistrictFile
from quartier_district.fleet.fleet_process import FleetDistrict, FleetSettings
from quartier_district.fleet.open_data import OpenDataFeed
from quartier_district.optimiser.solver import find_plan
from quartier_district.signed_documents import SigningKey
from quartier_hil import cli
from quartier_sim.site_clock import RigClock


def test_a_file_with_faults_is_refused_with_all_of_them(tmp_path, capsys):
    path = tmp_path / "district.toml"
    path.write_text("[transformer]\nimport_max_w = 1000\nexport_max_w = 0\n")
    code = cli.main(["district", "--fleet", str(path), "--key", str(tmp_path / "k.pem")])

    assert (2, f"{path}: buildings: Field required") == (code, capsys.readouterr().err.strip())


def test_a_key_that_is_absent_is_made_once_with_the_list_for_the_gateways(tmp_path):
    first = district_command._load_key(tmp_path / "optimiser.pem")
    listing = json.loads((tmp_path / "optimiser.issuers.json").read_text())

    assert ("optimiser", "envelope" in listing[0]["types"]) == (listing[0]["kid"], True)
    assert (
        first.private.private_bytes_raw()
        == district_command._load_key(tmp_path / "optimiser.pem").private.private_bytes_raw()
    )


def test_all_arguments_have_their_words():
    made = argparse.ArgumentParser()
    district_command.add_arguments(made)
    found = made.parse_args(["--key", "k.pem", "--fleet", "d.toml", "--page", "0"])

    assert ("d.toml", 0, 1883) == (str(found.fleet), found.page, found.port)


@pytest.mark.parametrize("path", ["open/load.csv", "open/load.json", "open/dcat.jsonld"])
def test_the_open_data_are_served_beside_the_page(path, capsys):
    place = {
        "edge": "b001",
        "contract_import_w": 1,
        "contract_export_w": 1,
        "failsafe_import_w": 1,
        "failsafe_export_w": 1,
    }
    roster = DistrictFile.model_validate(
        {"transformer": {"import_max_w": 9, "export_max_w": 9}, "buildings": [place]}
    )
    page = district_command.open_page(0, roster, OpenDataFeed())
    try:
        assert urllib.request.urlopen(page.url + path, timeout=60).read()
        assert page.url == json.loads(capsys.readouterr().out)["page"]
    finally:
        page.close()


async def test_the_page_is_shown_at_most_twice_a_second_and_says_why_no_data_are_open(tmp_path):
    place = {
        "edge": "b001",
        "contract_import_w": 1,
        "contract_export_w": 1,
        "failsafe_import_w": 1,
        "failsafe_export_w": 1,
    }
    roster = DistrictFile.model_validate(
        {"transformer": {"import_max_w": 9, "export_max_w": 9}, "buildings": [place]}
    )
    settings = FleetSettings(
        host="127.0.0.1",
        port=1,
        roster=roster,
        key=SigningKey.fresh("k"),
        log=tmp_path / "log",
        clock=RigClock(0.0),
    )
    office, feed = FleetDistrict(settings, find_plan), OpenDataFeed()
    page = district_command.open_page(0, roster, feed)
    times = iter((0.0, 0.4, 0.6))
    try:
        watch = district_command.make_page_updater(page, feed, lambda: next(times))
        numbers = []
        for _ in range(3):
            watch(office)
            numbers.append(page.stage.after(-1)[0])
        shown = json.loads(page.stage.after(0)[1])
    finally:
        page.close()
        office._log.close()

    assert [1, 1, 2] == numbers
    assert "Open data: open data need 5 buildings, there are 1." == shown["feed"]["words"]
    assert "never heard" == shown["buildings"][0]["why"]
