"""Answers of ``quartier init``: read, asked for, and said where they are missing or wrong."""

import io

import pytest
from pydantic import TypeAdapter, ValidationError

from quartier.cli.installer.installer_answers import (
    InstallerAnswers,
    parse_building_id,
    parse_current_a,
    parse_name,
    parse_phases_count,
)
from quartier.config.sections.value_types import BuildingId, TopicName


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def test_an_answer_is_taken_under_either_of_its_keys():
    assert 3 == InstallerAnswers({"meter.count": "3"}).ask("meter.count", "", int, also="pv2.count")
    assert 3 == InstallerAnswers({"pv2.count": "3"}).ask("meter.count", "", int, also="pv2.count")


def test_missing_wrong_and_unknown_answers_are_told_together(capsys):
    asked = InstallerAnswers({"a": "x", "z": "1"})
    assert asked.ask("a", "A", int) is None
    assert asked.ask("b", "B", int) is None
    assert 16.0 == asked.ask("c", "C", parse_current_a, "16 A")
    asked.check_unused()

    assert not asked.is_complete
    assert 2 == asked.print_problems()
    said = capsys.readouterr().err
    assert "--answer a: invalid literal" in said
    assert "--answer z: no question has this key" in said
    assert "--answer b=…    B" in said
    assert "--answer 'c=16 A'    C" in said


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (parse_name, "B 12"),
        (parse_building_id, "heartbeat"),
        (parse_phases_count, "2"),
        (parse_current_a, "5 A"),
        (parse_current_a, "81"),
    ],
)
def test_what_cannot_be_is_refused(read, text):
    with pytest.raises(ValueError, match="expected"):
        read(text)


@pytest.mark.parametrize("name", ["B012", "b012", "Rue_7-a", "-b", "b 12", "ä", "a" * 63, "a" * 64, ""])
def test_a_name_is_taken_exactly_where_the_site_file_takes_it(name):
    for read, kind in ((parse_building_id, BuildingId), (parse_name, TopicName)):
        try:
            assert TypeAdapter(kind).validate_python(name) == read(name)
        except ValidationError:
            with pytest.raises(ValueError, match="expected letters, digits, '_' and '-', at most 63"):
                read(name)
