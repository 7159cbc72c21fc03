from quartier_bench.peers.peer_cache import PeerCache
from quartier_bench.speed import link_speed
from quartier_bench.speed.measurement import Setting


def test_documents_are_judged_one_by_one_and_the_signature_is_a_part_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(link_speed, "_DOCUMENT_CALLS_SHORT", 20)
    (figure,) = link_speed.measure_document(
        Setting(1, True, tmp_path, PeerCache(tmp_path / "cache", print), print)
    )

    assert ("link.document", link_speed.SIGNATURE_PEER) == (figure.name, figure.peer_name)
    assert figure.ours > figure.peer > 0
