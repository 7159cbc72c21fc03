import pytest

from quartier_bench.torture import torture_command
from quartier_bench.torture.fault_table import FAULTS
from quartier_bench.torture.torture_command import LotVerdict, ResultsFile
from quartier_hil import cli


def test_the_short_form_has_each_quick_fault_once_in_the_tables_order():
    assert [(name, 1) for name, fault in FAULTS.items() if fault.quick] == list(
        torture_command.list_lots(None, torture_command.SHORT_FORM)
    )


def test_a_fault_asked_for_by_name_is_done_though_it_is_long():
    assert [("broker-away", 1)] == list(torture_command.list_lots("broker-away", torture_command.SHORT_FORM))


def test_a_thousand_cuts_and_a_hundred_thousand_documents_are_the_long_form():
    flapping, invalid = FAULTS["flapping"], FAULTS["invalid-documents"]

    assert (
        1_000
        == flapping.rounds[1] * flapping.lots
        == len(list(torture_command.list_lots("flapping", torture_command.LONG_FORM))) * 100
    )
    assert 100_000 == invalid.rounds[1] * invalid.lots * 1_000


@pytest.fixture
def fast(monkeypatch):
    """Lots that take no time: what they are is held."""
    done = []

    def tortured(name, lot, form, _seed, _keep):
        done.append((name, lot))
        return LotVerdict(name, lot, form, 0.0, ("lost",) if name == "frozen" else ())

    monkeypatch.setattr(torture_command, "torture_lot", tortured)
    monkeypatch.setattr(torture_command, "find_mosquitto", lambda: "mosquitto")
    return done


def test_a_run_goes_on_where_one_was_left_and_tries_again_what_broke(fast, tmp_path, capsys):
    asked = ["torture", "--short", "--results", str(tmp_path / "results.jsonl")]
    assert torture_command.BROKEN == cli.main(asked)
    first, fast[:] = list(fast), []

    assert torture_command.BROKEN == cli.main(asked)
    assert [("frozen", 1)] == fast
    assert set(first) - {("frozen", 1)} == ResultsFile(tmp_path / "results.jsonl").find_kept_lots(
        torture_command.SHORT_FORM
    )
    assert "BROKEN frozen/1" in capsys.readouterr().out


def test_without_mosquitto_nothing_is_run_and_what_to_install_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torture_command, "find_mosquitto", lambda: None)

    assert torture_command.NOT_RUN == cli.main(["torture", "--results", str(tmp_path / "results.jsonl")])
    assert "apt-get install mosquitto" in capsys.readouterr().err
