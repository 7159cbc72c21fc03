"""Bad documents against the gate itself: each is refused for the reason that it was drawn for."""

import json
import random

import pytest

from quartier.district.documents import key_list
from quartier.district.documents.document_types import AcceptedDocument, RefusedDocument
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.records import Now
from quartier_bench.torture import bad_documents
from quartier_district.gateway_session import TopicNames
from quartier_district.signed_documents import SigningKey

NOW_MS = 1_764_000_000_000
DRAWN = 1_500


@pytest.fixture
def desk():
    return bad_documents.DocumentSigners(
        TopicNames("issy", "b012"),
        SigningKey.fresh("optimiser1"),
        SigningKey.fresh("stranger"),
        SigningKey.fresh("heartbeat-key"),
    )


@pytest.fixture
def gate(desk):
    listed = [desk.heartbeat_key.listing(["heartbeat"]), desk.key.listing(["heartbeat", "envelope"])]
    return DocumentVerifier(Identity("issy", "b012"), key_list.parse_plain_list(json.dumps(listed)))


def judged(gate, document):
    return gate.check(document.topic, document.payload, document.signature, Now(1, NOW_MS, synced=True))


def test_each_bad_document_is_refused_with_its_reason_and_moves_no_number(desk, gate):
    dice = random.Random(5)
    assert isinstance(
        judged(gate, bad_documents.make_good_document(desk, NOW_MS, NOW_MS, 1000.0)), AcceptedDocument
    )
    before = gate.ledger()
    wrong = []
    for number in range(DRAWN):
        document = bad_documents.draw_bad_document(desk, dice, number, NOW_MS + 1 + number, NOW_MS, NOW_MS)
        found = judged(gate, document)
        owed = (document.ident[:64], document.reception, document.reason)
        if not isinstance(found, RefusedDocument) or owed != (
            found.ack.id,
            found.ack.reception,
            found.ack.reason,
        ):
            wrong.append((document.kind, owed, found))

    assert [] == wrong[:3]
    assert before == gate.ledger()
    assert isinstance(
        judged(gate, bad_documents.make_good_document(desk, NOW_MS + 1, NOW_MS, 2000.0)), AcceptedDocument
    ), "no latch"


def test_a_seed_draws_the_same_documents_again_but_for_nothing(desk):
    drawn = [
        [
            bad_documents.draw_bad_document(desk, random.Random(3), at, NOW_MS + at, NOW_MS, NOW_MS)
            for at in range(20)
        ]
        for _ in range(2)
    ]

    assert drawn[0] == drawn[1]


def test_every_kind_is_drawn(desk):
    dice = random.Random(1)
    kinds = {
        bad_documents.draw_bad_document(desk, dice, at, NOW_MS + at, NOW_MS, NOW_MS).kind for at in range(600)
    }

    assert kinds == set(bad_documents._DOCUMENT_KINDS)
