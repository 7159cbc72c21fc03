"""``quartier documents``: the table, a schema, and the page's table made anew."""

import json

from quartier.cli import main
from quartier.cli.gateway.documents import TABLE_BEGIN, TABLE_END, fill_page
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
