"""Each field of each document says what it means."""

import pytest

from quartier.district.documents.companion_namespace import (
    FIELD_DESCRIPTIONS,
    add_descriptions,
    iterate_rows,
)

ROWS = {row.name: row for row in iterate_rows()}


def parts(schema):
    yield schema
    yield from schema.get("$defs", {}).values()


@pytest.mark.parametrize("name", ROWS)
def test_no_field_of_a_document_is_without_words(name):
    silent = [
        f"{part.get('title')}.{field}"
        for part in parts(ROWS[name].schema)
        for field, about in part.get("properties", {}).items()
        if "description" not in about
    ]
    assert [] == silent, "expected words in fieldwords.py"


def test_there_are_no_words_for_fields_that_are_not_there():
    fields = {
        (part.get("title"), field)
        for row in ROWS.values()
        for part in parts(row.form.model_json_schema())
        for field in part.get("properties", {})
    }
    known = {field for _, field in fields} | {f"{title}.{field}" for title, field in fields}
    assert [] == sorted(set(FIELD_DESCRIPTIONS) - known)


def test_words_of_a_field_itself_stay():
    schema = {"title": "X", "properties": {"id": {"description": "own"}, "seq": {}}}
    fields = add_descriptions(schema)["properties"]
    assert ("own", FIELD_DESCRIPTIONS["seq"]) == (fields["id"]["description"], fields["seq"]["description"])
    assert {"type": "string"} == add_descriptions({"type": "string"})
