from quartier_bench.torture import document_faults
from quartier_bench.torture.fault_table import FAULTS


def test_where_keys_rolled_over_the_newest_is_last_and_the_one_for_heartbeats_is_first():
    for name in ("invalid-documents", "old-key"):
        keys = FAULTS[name].roll()
        assert ["heartbeat-key", "optimiser1", "optimiser2"] == [key.kid for key, _ in keys]
        assert document_faults.HEARTBEAT_KEY_TYPES == keys[0][1]


def test_every_fault_says_what_it_is():
    assert all(fault.what and fault.rounds[0] <= fault.rounds[1] for fault in FAULTS.values())
