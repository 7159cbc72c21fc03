"""The table of the namespace: complete, and what lies in gateway/docs is made from it."""

import json
from pathlib import Path

import pytest

from quartier.cli.documents import PAGE, filled
from quartier.district import namespace
from quartier.district.forms import KINDS
from quartier.district.voice import Identity

DOCS = Path(__file__).parents[3] / "gateway/docs"
AGAIN = "make them anew: python -m quartier.cli documents --write gateway/docs"
ROWS = {row.name: row for row in namespace.rows()}


def test_every_kind_of_document_has_a_row():
    assert {kind.name for kind in KINDS.values()} <= ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_an_example_is_of_its_form(name):
    (example,) = ROWS[name].schema["examples"]
    assert ROWS[name].form.model_validate_json(json.dumps(example))


def test_the_schemas_in_the_docs_are_those_of_the_models():
    there = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "schemas").glob("*.json")}
    assert there == dict(namespace.schemas()), AGAIN


def test_the_table_on_the_page_is_the_one_of_the_models():
    page = (DOCS / PAGE).read_text(encoding="utf-8")
    assert namespace.table() in page, AGAIN
    assert page == filled(page), AGAIN


def test_documents_are_subscribed_to_where_the_table_says_they_come():
    from quartier.district.documents import Documents  # noqa: PLC0415 - what the test is about

    me = Identity("issy", "b012")
    heard = {topic for topic, _ in Documents(me, {}).subscriptions()}
    words = {"/G/E/": "/issy/b012/", "/G/": "/issy/"}
    told = set()
    for row in ROWS.values():
        if row.way == "down" and row.topic and row.name != "watermark":
            topic = row.topic
            for old, new in words.items():
                topic = topic.replace(old, new)
            told.add("/".join("+" if part in {"P", "D", "T"} else part for part in topic.split("/")))
    assert told == heard
