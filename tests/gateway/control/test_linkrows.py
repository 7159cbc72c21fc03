from quartier.control.linkrows import ROWS
from quartier.control.linkstate import Mode


def test_every_state_has_a_way_out_and_every_way_its_reason():
    assert set(Mode) == {row.source for row in ROWS}
    assert len(ROWS) == len({(row.source, row.why) for row in ROWS})
    assert all(row.source is not row.target for row in ROWS)


def test_only_a_heartbeat_with_a_document_leads_into_control():
    into = {row.holds.__name__ for row in ROWS if row.target is Mode.CONTROLLED}

    assert {"_paired", "_paired_since_failsafe"} == into
