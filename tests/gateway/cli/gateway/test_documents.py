"""``quartier documents``: the table, a schema, and the page's table made anew."""

import json
from pathlib import Path

import pytest

from quartier.cli import main
from quartier.cli.gateway.documents import TABLE_BEGIN, TABLE_END, fill_page, fill_profile_lists
from quartier.district.documents import companion_namespace


def test_every_document_is_listed_with_its_topic(capsys):
    assert 0 == main(["documents"])
    out = capsys.readouterr().out
    assert [] == [row.topic for row in companion_namespace.iterate_rows() if row.topic not in out]


def test_a_schema_is_printed_with_an_example(capsys):
    assert 0 == main(["documents", "envelope"])
    schema = json.loads(capsys.readouterr().out)
    assert ("envelope", "evening-peak") == (schema["title"], schema["examples"][0]["id"])


def test_a_document_that_is_none_is_named_with_those_there_are(capsys):
    assert 1 == main(["documents", "order"])
    assert "see 'quartier documents'" in capsys.readouterr().err


def test_schemas_and_table_are_written_and_old_ones_go(tmp_path):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/gone.json").write_text("{}")
    (tmp_path / "companion.md").write_text(f"before\n{TABLE_BEGIN}old\n{TABLE_END}after\n")
    assert 0 == main(["documents", "--write", str(tmp_path)])
    assert set(companion_namespace.make_schemas()) == {path.name for path in (tmp_path / "schemas").iterdir()}
    page = (tmp_path / "companion.md").read_text()
    assert f"before\n{TABLE_BEGIN}{companion_namespace.render_table()}{TABLE_END}after\n" == page


def test_a_page_without_marks_stays_as_it_is(tmp_path):
    assert "no marks\n" == fill_page("no marks\n")
    assert 0 == main(["documents", "--write", str(tmp_path)])
    assert not (tmp_path / "companion.md").exists()


ASSET_PAGES = Path(__file__).parents[4] / "gateway/docs/assets"
MARK = "<!-- profiles that take {}, made by quartier documents --write -->\n"


@pytest.mark.parametrize("page", sorted(ASSET_PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_lists_of_profiles_on_asset_pages_are_those_that_take_the_order(page):
    text = page.read_text()
    assert fill_profile_lists(text) == text, "quartier documents --write gateway/docs"


@pytest.mark.parametrize(
    ("name", "quantity", "profile"),
    [
        ("battery", "setpoint_w", "fronius/gen24"),
        ("pv", "generation_max_w", "kaco/blueplanet"),
        ("charging", "current_max_a", "heidelberg/energy_control"),
        ("loads", "relay_on", "moxa/iologik_e1214"),
        ("heat", "sg_ready_state", "stiebel-eltron/isg"),
        ("air", "speed_pct", "quartier/ventilation_bacnet"),
    ],
)
def test_page_of_an_asset_lists_every_profile_that_takes_its_order(name, quantity, profile):
    _, _, rest = (ASSET_PAGES / f"{name}.md").read_text().partition(MARK.format(quantity))
    assert f"`{profile}`" in rest.partition(TABLE_END)[0]


def test_lists_of_profiles_are_written_anew(tmp_path):
    (tmp_path / "assets").mkdir()
    page = tmp_path / "assets" / "battery.md"
    page.write_text(f"before\n{MARK.format('setpoint_w')}old\n{TABLE_END}after\n")
    assert 0 == main(["documents", "--write", str(tmp_path)])
    assert "`victron/gx`" in page.read_text()
    assert "old" not in page.read_text()
