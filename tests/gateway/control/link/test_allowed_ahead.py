"""Caps of the steps ahead: documents by their time, what else binds now binds on."""

import pytest

from quartier.control.limits.active import ActiveLimits
from quartier.control.link import allowed
from quartier.control.reason import make_text_reason
from quartier.control.requests import Interval
from quartier_drivers.contract import Origin

DOCUMENT = make_text_reason("envelope dso 1", Origin("document", "dso", "1", 1))
SPANS = (Interval(1800, 5_000, 6_000), Interval(900, 3_000), Interval(900))


@pytest.fixture
def caps(drive):
    """(import, export) of steps of 900 s, under a document of three intervals."""
    found = drive().controlled(intervals=SPANS, exp_s=5_400)

    def make(import_w, export_w, whose, count=8):
        force = ActiveLimits(import_w=import_w, export_w=export_w, whose=whose)
        when = found.now, found.now.utc_ms, 900_000, count
        powers = allowed.find_limits_ahead(found.state, found.params, force, *when)
        return [(one.import_w, one.export_w) for one in powers]

    return make


def test_the_first_step_has_what_is_in_force_and_the_others_what_documents_say_for_then(caps):
    found = caps(4_500, 5_500, {"import": DOCUMENT, "export": DOCUMENT})

    assert (4_500, 5_500) == found[0]
    # a direction that an interval leaves out has the document's default
    assert [(5_000, 6_000), (3_000, 3_000), (7_000, 3_000)] == found[1:4]


def test_the_default_of_a_document_outlives_its_intervals_and_itself(caps):
    found = caps(4_500, 5_500, {"import": DOCUMENT, "export": DOCUMENT})

    assert [(7_000, 3_000)] * 4 == found[4:]


def test_what_binds_and_is_no_document_is_taken_to_bind_on(caps):
    found = caps(2_000, 5_500, {"import": make_text_reason("contact dso1"), "export": DOCUMENT})

    assert [2_000] * 8 == [one for one, _ in found]


def test_without_a_document_only_the_hard_limits_and_what_binds_count(drive):
    found = drive().start()
    force = ActiveLimits(import_w=10_000, export_w=6_000, whose={})
    when = found.now, found.now.utc_ms, 900_000, 3
    powers = allowed.find_limits_ahead(found.state, found.params, force, *when)

    assert [(10_000, 6_000)] * 3 == [(one.import_w, one.export_w) for one in powers]
