from quartier_hil.bench import signing
from quartier_hil.bench.cache import Cache
from quartier_hil.bench.setting import Setting


def test_documents_are_judged_one_by_one_and_the_signature_is_a_part_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(signing, "_CALLS_SHORT", 20)
    (figure,) = signing.figures(Setting(1, True, tmp_path, Cache(tmp_path / "cache", print), print))

    assert ("link.document", signing.BARE) == (figure.name, figure.peer_name)
    assert figure.ours > figure.peer > 0
