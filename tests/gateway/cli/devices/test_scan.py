"""``quartier scan`` shows what any protocol reports; the reports themselves are tested with their protocol."""

import json

import pytest
from tests.drivers.meter.mbus.conftest import Slave
from tests.drivers.meter.mbus.test_scan_report import serving

from quartier.cli import main
from quartier.cli.devices.scan import scan_bus
from quartier_drivers.device_reports import ScanRequest
from quartier_drivers.registry import PROTOCOLS, SCANNED_PROTOCOLS, load_protocol


def test_the_json_of_a_scan_has_its_url_its_data_and_the_lines_for_the_site_file(capsys):
    with serving(Slave("01490378", medium=0x04, primary=5)) as url:
        assert 0 == main(["scan", "mbus", url, "--units", "5", "--json"])

    told = json.loads(capsys.readouterr().out)
    assert url == told["url"]
    assert {"found", "asked_count", "notes", "lost", "site_file"} <= told.keys()


def test_progress_goes_to_the_error_output(capsys):
    with serving(Slave("01490378", medium=0x04, primary=5)) as url:
        report = scan_bus("mbus", ScanRequest(url, units=[5]))

    out, err = capsys.readouterr()
    assert 1 == report.found_count
    assert "" == out
    assert "asking primary addresses at 38400" in err


def test_a_bus_on_which_nobody_answers_is_exit_1_with_what_helps(capsys):
    with serving() as url:
        assert 1 == main(["scan", "mbus", url, "--units", "5"])

    assert "no answer to 1 request; look at the level converter" in capsys.readouterr().err


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_registry_knows_which_protocols_scan(name):
    assert bool(load_protocol(name).scan) == (name in SCANNED_PROTOCOLS)
