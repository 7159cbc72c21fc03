"""``quartier-hil soak`` says what holds, for people and for machines, and ends accordingly."""

import json

import pytest

from quartier_bench.soak.simulation import ImageComparison, SoakFigures
from quartier_bench.soak.soak_command import WARM_UP_S, format_rows, list_failures
from quartier_bench.soak.word_ledger import WordCounts
from quartier_hil import cli

SHORT = ["soak", "--days", "0.002"]


def figures(**changed):
    made = {
        "house_s": WARM_UP_S,
        "bytes_count": {"linky": 1},
        "counts": {"linky": WordCounts(sound=10)},
        "looks": {"linky": ImageComparison(right=1)},
        "silent_count": {"linky": 0},
        "memory": [(0.0, 50.0), (0.5, 50.0), (1.0, 50.0)],
    }
    return SoakFigures(**{**made, **changed})


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
        ({"counts": {"linky": WordCounts()}}, "nothing was said"),
        ({"counts": {"linky": WordCounts(sound=10, lost=1)}}, "1 of 10 sound words were lost"),
        (
            {"counts": {"linky": WordCounts(sound=10, hit=64, misread=8)}},
            "8 words were heard that nobody said",
        ),
        ({"looks": {"linky": ImageComparison(wrong=2)}}, "2 numbers in the image"),
        ({"memory": [(0.5, 50.0), (1.0, 50.0), (2.0, 55.0), (3.0, 60.0), (4.0, 65.0)]}, "memory grew by"),
    ],
)
def test_what_does_not_hold_is_said(changed, why):
    assert [] == list(list_failures(figures()))
    assert [True] == [why in flaw for flaw in list_failures(figures(**changed))]
    assert format_rows(figures(**changed))


def test_what_the_check_cannot_see_is_no_flaw():
    assert [] == list(list_failures(figures(counts={"linky": WordCounts(sound=10, hit=640, misread=12)})))
