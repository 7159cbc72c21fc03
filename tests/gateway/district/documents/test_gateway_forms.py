"""What we say is of the form that the page describes."""

import json

from quartier.control.requests import Ack
from quartier.district.connection.control_channel import encode_event
from quartier.district.documents.document_types import encode_ack
from quartier.district.documents.gateway_forms import AckForm, EventForm, WatermarkForm
from quartier.site.samples import Sample
from quartier_drivers.readings import Quality


def test_an_acknowledgement_is_of_its_form():
    said = AckForm.model_validate_json(encode_ack(Ack("e1", 5, "envelope", "OK", "ACCEPTED"), 7))
    assert ("e1", "ACCEPTED", 7) == (said.id, said.status, said.ts)


def test_an_event_is_of_its_form():
    value = json.dumps({"text": "it rains", "data": {"mm": 3}})
    said = EventForm.model_validate_json(
        encode_event(Sample("event", 7, 3, "sky.wet", 9, value, Quality.GOOD))
    )
    assert (7, 3, 9, "sky.wet", {"mm": 3}) == (said.boot, said.seq, said.ts, said.code, said.data)


def test_the_rigs_watermark_is_of_its_form(district):
    assert 7 == WatermarkForm.model_validate_json(district.watermark(7)).bdseq
