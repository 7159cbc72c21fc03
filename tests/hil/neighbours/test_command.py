import argparse

from quartier_hil.neighbours import command
from quartier_hil.neighbours.street import Street
from quartier_hil.records.series import Series
from quartier_hil.verdict.checks import Verdict


def test_the_page_has_any_port_and_the_public_building_is_asked_for():
    made = argparse.ArgumentParser()
    command.parser(made)
    found = made.parse_args([])

    assert (0, False, 16.0, "street") == (found.page, found.public, found.rate, str(found.report))


def test_what_is_left_says_each_promise_and_what_was_measured(tmp_path, capsys):
    street = Street(tmp_path, lambda _: Series(base_w=(0.0,), solar_w_per_kw=(0.0,), origin=""), print)
    command._leave(
        street,
        [Verdict("lost", "at most 21 kW", "17.9 kW", True), Verdict("share", "6 kW", "7 kW", False)],
        tmp_path,
    )

    assert ["kept", "BROKEN"] == [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert '"holds": false' in (tmp_path / "street.json").read_text()
