"""The table of the namespace: complete, and what lies in gateway/docs is made from it."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from quartier.cli.gateway.documents import DOCUMENTS_PAGE, fill_page
from quartier.district.documents import companion_namespace
from quartier.district.documents.document_types import DOCUMENT_TYPES
from quartier.district.records import Identity
from quartier_district.signed_documents import EnvelopeRequest, make_envelope, make_heartbeat, make_job

DOCS = Path(__file__).parents[4] / "gateway/docs"
AGAIN = "make them anew: python -m quartier.cli documents --write gateway/docs"
AT_MS = 1_764_075_000_000
CAPS = {"import_max_w": 1.0, "export_max_w": 0.0}
ROWS = {row.name: row for row in companion_namespace.iterate_rows()}


def test_every_kind_of_document_has_a_row():
    assert {kind.name for kind in DOCUMENT_TYPES.values()} <= ROWS.keys()


@pytest.mark.parametrize("name", ROWS)
def test_an_example_is_of_its_form(name):
    (example,) = ROWS[name].schema["examples"]
    assert ROWS[name].form.model_validate_json(json.dumps(example))


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").glob("*.json")), ids=lambda path: path.stem)
def test_another_makers_validator_takes_each_schema_and_its_example_and_no_unknown_field(path):
    schema = json.loads(path.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    judge = Draft202012Validator(schema)
    (example,) = schema["examples"]
    assert [] == [error.message for error in judge.iter_errors(example)]
    assert not judge.is_valid({**example, "nobody_knows": 1})
    first = next(iter(example))
    assert not judge.is_valid({name: value for name, value in example.items() if name != first})


def test_another_makers_validator_takes_what_the_rig_says():
    request = EnvelopeRequest(
        intervals=[{"duration_s": 5, "import_max_w": 1}], default=CAPS, start_ms=AT_MS, exp_ms=AT_MS + 9
    )
    said = {
        "heartbeat": make_heartbeat(AT_MS),
        "envelope": make_envelope(request, AT_MS, AT_MS, "issy.b012"),
        "job": make_job({"op": "config", "site": "x = 1"}, AT_MS, AT_MS, "issy.b012", (AT_MS, AT_MS + 9)),
    }
    for name, payload in said.items():
        Draft202012Validator(ROWS[name].schema).validate(json.loads(payload))


def test_the_schemas_in_the_docs_are_those_of_the_models():
    there = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "schemas").glob("*.json")}
    assert there == dict(companion_namespace.make_schemas()), AGAIN


def test_the_table_on_the_page_is_the_one_of_the_models():
    page = (DOCS / DOCUMENTS_PAGE).read_text(encoding="utf-8")
    assert companion_namespace.render_table() in page, AGAIN
    assert page == fill_page(page), AGAIN


def test_documents_are_subscribed_to_where_the_table_says_they_come():
    from quartier.district.documents.verification import (  # noqa: PLC0415 - what the test is about
        DocumentVerifier,
    )

    me = Identity("issy", "b012")
    heard = {topic for topic, _ in DocumentVerifier(me, {}).subscriptions()}
    words = {"/G/E/": "/issy/b012/", "/G/": "/issy/"}
    told = set()
    for row in ROWS.values():
        if row.way == "down" and row.topic and row.name != "watermark":
            topic = row.topic
            for old, new in words.items():
                topic = topic.replace(old, new)
            told.add("/".join("+" if part in {"P", "D", "T"} else part for part in topic.split("/")))
    assert told == heard
