"""What the district's engineers read works: the worked example is verified by other code than ours, and by ours."""

import base64
import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from quartier.control.requests import AckReason, ReceptionStatus
from quartier.district.documents import key_list
from quartier.district.documents.document_types import DOCUMENT_TYPES, AcceptedDocument
from quartier.district.documents.verification import DocumentVerifier
from quartier.district.records import Identity
from quartier.site.records import Now

PAGE = (Path(__file__).parents[3] / "gateway/docs/companion.md").read_text(encoding="utf-8")
AT_MS = 1_764_075_030_000


def said(name):
    """What stands behind a name in the blocks of the example."""
    return re.search(rf"^ *{re.escape(name)}  +(\S.*)$", PAGE, re.MULTILINE)[1]


def unpacked(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_the_worked_example_can_be_followed_step_by_step():
    key = Ed25519PrivateKey.from_private_bytes(unpacked(said("private key (base64url)")))
    assert said("public key (base64url)") == packed(key.public_key().public_bytes_raw())
    protected = packed(said("header").encode())
    assert said("protected") == protected
    signature = packed(key.sign(f"{protected}.{said('payload')}".encode()))
    assert said("signature") == signature
    assert said("sig") == f"{protected}..{signature}"


def test_the_gateway_takes_the_worked_example_and_nothing_that_differs_from_it():
    entry = {"kid": "optimiser-2026", "public_key": said("public key (base64url)"), "types": ["heartbeat"]}
    listed = key_list.parse_plain_list(json.dumps([entry]))
    payload, now = said("payload").encode(), Now(0, AT_MS, True)
    assert said("fingerprint") == listed["optimiser-2026"].fingerprint

    documents = DocumentVerifier(Identity("issy", "b012"), listed)
    assert "BAD_SIG" == documents.check(said("topic"), payload + b" ", said("sig"), now).reason
    assert isinstance(documents.check(said("topic"), payload, said("sig"), now), AcceptedDocument)


def test_every_reason_and_reception_is_explained():
    assert [] == [
        word for word in (*AckReason, *ReceptionStatus) if word not in PAGE and word != ReceptionStatus.OK
    ]


def test_every_kind_of_document_is_linked_to_its_schema():
    assert [] == [kind.name for kind in DOCUMENT_TYPES.values() if f"(schemas/{kind.name}.json)" not in PAGE]
