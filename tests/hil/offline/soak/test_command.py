"""``quartier-hil soak`` says what holds, for people and for machines, and ends accordingly."""

import json

import pytest

from quartier_hil import cli
from quartier_hil.offline.soak.command import WARM_S, flaws, rows
from quartier_hil.offline.soak.house import Figures, Looks
from quartier_hil.offline.soak.ledger import Counts

SHORT = ["soak", "--days", "0.002"]


def figures(**changed):
    made = {
        "house_s": WARM_S,
        "bytes_count": {"linky": 1},
        "counts": {"linky": Counts(sound=10)},
        "looks": {"linky": Looks(right=1)},
        "silent_count": {"linky": 0},
        "memory": [(0.0, 50.0), (0.5, 50.0), (1.0, 50.0)],
    }
    return Figures(**{**made, **changed})


def test_a_short_soak_holds_and_is_told_to_a_person(capsys):
    assert 0 == cli.main(SHORT)
    told = capsys.readouterr()
    assert "linky" in told.out
    assert " 0 lost" in told.out
    assert "readings, 0 words lost" in told.err


def test_a_machine_gets_json_alone(capsys):
    assert 0 == cli.main([*SHORT, "--json", "--noisy-pct", "0"])
    made = json.loads(capsys.readouterr().out)
    assert [] == made["broken"]
    assert 0 == made["meters"]["linky"]["hit_count"]
    assert made["meters"]["flat1"]["sound_count"] > 150


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"counts": {"linky": Counts()}}, "nothing was said"),
        ({"counts": {"linky": Counts(sound=10, lost=1)}}, "1 of 10 sound words were lost"),
        ({"counts": {"linky": Counts(sound=10, hit=64, forged=8)}}, "8 words were heard that nobody said"),
        ({"looks": {"linky": Looks(wrong=2)}}, "2 numbers in the image"),
        ({"memory": [(0.5, 50.0), (1.0, 50.0), (2.0, 55.0), (3.0, 60.0), (4.0, 65.0)]}, "memory grew by"),
    ],
)
def test_what_does_not_hold_is_said(changed, why):
    assert [] == list(flaws(figures()))
    assert [True] == [why in flaw for flaw in flaws(figures(**changed))]
    assert rows(figures(**changed))


def test_what_the_check_cannot_see_is_no_flaw():
    assert [] == list(flaws(figures(counts={"linky": Counts(sound=10, hit=640, forged=12)})))
