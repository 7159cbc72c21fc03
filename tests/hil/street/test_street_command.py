import argparse

from quartier_hil.checks.verdicts import Verdict
from quartier_hil.street import street_command
from quartier_hil.street.street_run import StreetRun
from quartier_sim.load_series.minute_series import LoadSeries


def test_the_page_has_any_port_and_the_public_building_is_asked_for():
    made = argparse.ArgumentParser()
    street_command.add_arguments(made)
    found = made.parse_args([])

    assert (0, False, 16.0, "street") == (found.page, found.public, found.rate, str(found.report))


def test_what_is_left_says_each_promise_and_what_was_measured(tmp_path, capsys):
    street = StreetRun(tmp_path, lambda _: LoadSeries(base_w=(0.0,), solar_w_per_kw=(0.0,), origin=""), print)
    street_command._write_results(
        street,
        [Verdict("lost", "at most 21 kW", "17.9 kW", True), Verdict("share", "6 kW", "7 kW", False)],
        tmp_path,
    )

    assert ["kept", "BROKEN"] == [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert '"holds": false' in (tmp_path / "street.json").read_text()
