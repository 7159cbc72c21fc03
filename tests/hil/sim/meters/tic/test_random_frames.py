import pytest

from quartier_sim.meters.tic.random_frames import generate_telegrams


@pytest.mark.parametrize("mode", ["historique", "standard"])
def test_the_same_seed_gives_the_same_frames(mode):
    assert list(generate_telegrams(3, 20, mode)) == list(generate_telegrams(3, 20, mode))


@pytest.mark.parametrize("mode", ["historique", "standard"])
def test_every_check_holds_by_the_standards_own_words(mode):
    count = 0
    for telegram in generate_telegrams(1, 200, mode):
        for piece in telegram.pieces:
            if not piece.says:
                continue
            body = piece.data[1:-1]
            summed = body[:-1] if mode == "standard" else body[:-2]
            assert (sum(summed) & 0x3F) + 0x20 == body[-1]
            count += 1
    assert count > 2_000


def test_all_kinds_occur():
    labels = {
        said.label for telegram in generate_telegrams(1, 300, "standard") for said in telegram.statements
    }
    old = {
        said.label for telegram in generate_telegrams(1, 300, "historique") for said in telegram.statements
    }

    assert {"SINSTS3", "EAIT", "DPM3", "PPOINTE", "MSG2", "UMOY3"} <= labels
    assert {"ADIR2", "ADPS", "PEJP", "DEMAIN", "BASE", "HCHP", "EJPHPM", "BBRHPJR", "PPOT"} <= old
