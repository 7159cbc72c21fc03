import datetime as dt
from random import Random

from quartier_sim.meters.tic import frames
from quartier_sim.meters.tic.meter_state import LinkyState, LinkyStatus
from quartier_sim.meters.tic.random_frames import generate_state

NOW = dt.datetime(2026, 1, 12, 12, tzinfo=dt.UTC)
# Sizes of standard's values (Enedis-NOI-CPT_54E, 6.2.1); 0 where the time stands alone.
SIZES = {
    "ADSC": 12, "VTIC": 2, "DATE": 0, "NGTF": 16, "LTARF": 16, "PREF": 2, "PCOUP": 2, "STGE": 8, "MSG1": 32,
    "MSG2": 16, "PRM": 14, "RELAIS": 3, "NTARF": 2, "NJOURF": 2, "NJOURF+1": 2, "PJOURF+1": 98, "PPOINTE": 98,
}  # fmt: skip
PREFIXES = {
    "EAS": 9,
    "EAI": 9,
    "ERQ": 9,
    "IRMS": 3,
    "URMS": 3,
    "SINST": 5,
    "SMAX": 5,
    "CCA": 5,
    "UMOY": 3,
    "DPM": 2,
    "FPM": 2,
}


def _labels(groups):
    return [said.label for group in groups for said in group.says]


def test_every_value_of_standard_has_the_size_of_its_label():
    random = Random(1)
    for _ in range(200):
        for group in frames.build_standard_groups(generate_state(random)):
            (said,) = group.says
            size = SIZES.get(said.label)
            if size is None:
                size = next(length for prefix, length in PREFIXES.items() if said.label.startswith(prefix))
            assert size == len(said.value), said


def test_historique_of_a_tempo_house_is_in_the_order_of_a_real_one():
    seen = LinkyState(moment=NOW, tariff_name="tempo", tomorrow=3, status=LinkyStatus(supply=1))

    assert [
        "ADCO", "OPTARIF", "ISOUSC", "BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR",
        "PTEC", "DEMAIN", "IINST", "IMAX", "PAPP", "HHPHC", "MOTDETAT",
    ] == _labels(frames.build_historique_groups(seen))  # fmt: skip


def test_three_phases_name_theirs_and_warn_in_a_short_frame():
    seen = LinkyState(
        moment=NOW,
        phases=3,
        current_a=(20, 5, 40),
        over_a=(20, 0, 40),
        current_max_a=(60, 60, 60),
        drawn_va=(1, 2, 3),
    )

    assert ["ADIR1", "ADIR3", "ADCO", "IINST1", "IINST2", "IINST3"] == _labels(
        frames.build_short_groups(seen)
    )
    assert {"IINST1", "IMAX3", "PMAX", "PPOT"} <= set(_labels(frames.build_historique_groups(seen)))
    assert "ADPS" not in _labels(frames.build_historique_groups(seen))


def test_one_phase_warns_in_its_frame():
    assert "ADPS" in _labels(frames.build_historique_groups(LinkyState(moment=NOW, over_a=(50,))))


def test_a_producer_tells_what_it_injects():
    labels = set(_labels(frames.build_standard_groups(LinkyState(moment=NOW, producer=True))))

    assert {"EAIT", "ERQ1", "ERQ4", "SINSTI"} <= labels
    assert "EAIT" not in _labels(frames.build_standard_groups(LinkyState(moment=NOW)))


def test_the_announcement_of_ejp_is_in_minutes():
    groups = frames.build_historique_groups(LinkyState(moment=NOW, tariff_name="ejp", notice_min=30))

    assert b"\nPEJP 30 " in b"".join(group.data for group in groups)
