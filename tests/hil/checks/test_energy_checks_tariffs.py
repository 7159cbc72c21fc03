import pytest

from quartier_hil.checks.energy_checks import build_tariff_checks
from quartier_hil.checks.verdicts import RunData
from quartier_hil.scenario.expectations import TariffExpectation
from quartier_hil.scenario.supply_contract import Tariff

ENDING = RunData(modes=(), downs=())
ASKED = TariffExpectation(check="tariff", within_s=10, tolerance_wh=5)
HC, TEMPO = Tariff(contract="hc"), Tariff(contract="tempo", colours=("white", "red"))


def _values(index, shown, t1_wh, t2_wh, power_w=3_600.0):
    return {
        "contract.tariff_index": float(index),
        "linky.tariff_index": float(shown),
        "linky.energy_import_t1_wh": t1_wh,
        "linky.energy_import_t2_wh": t2_wh,
        "grid.power_w": power_w,
    }


def _judged(*steps):
    found = list(build_tariff_checks(HC, ASKED))
    for now_s, values in steps:
        for one in found:
            one.step(float(now_s), 5.0, values)
    return [one.verdict(ENDING) for one in found]


def _course(late_s=5, off_wh=0.0):
    """A hundred seconds of an index, then as many of the other; 5 Wh a step."""
    steps, counted = [], [1_000.0, 500.0]
    for step in range(41):
        now_s = 5 * step
        # What a step drew belongs to the period in which it began.
        if step:
            counted[now_s - 5 >= 100] += 5.0
        index = 2 if now_s >= 100 else 1
        shown = 2 if now_s >= 100 + late_s else 1
        steps.append((now_s, _values(index, shown, counted[0] + (off_wh if step else 0.0), counted[1])))
    return steps


def test_what_is_the_contracts_in_time_is_kept():
    shown, counted = _judged(*_course())

    assert (True, "1 change, known after 5 s, wrong for 0 s") == (shown.holds, shown.measured)
    assert (True, "off peak 0.10 kWh, peak 0.10 kWh; off by 0.0 Wh at most") == (
        counted.holds,
        counted.measured,
    )


def test_what_is_known_too_late_is_broken():
    shown, _ = _judged(*_course(late_s=25))

    assert (False, "1 change, known after 25 s, wrong for 10 s") == (shown.holds, shown.measured)


def test_what_was_right_may_not_become_wrong():
    steps = _course()
    steps[30] = (150, {**steps[30][1], "linky.tariff_index": -1.0})

    assert not _judged(*steps)[0].holds


def test_an_index_that_counts_something_else_is_broken():
    assert [True, False] == [_judged(*_course(off_wh=wh))[1].holds for wh in (4.0, 6.0)]


def test_nothing_is_proven_where_nothing_changes_or_nothing_is_known():
    still = [(now_s, _values(1, 1, 1_000.0, 500.0, 0.0)) for now_s in range(0, 100, 5)]
    unknown = [(now_s, {**values, "linky.energy_import_t2_wh": -1.0}) for now_s, values in _course()]

    assert [False, False] == [one.holds for one in _judged(*still)]
    assert "index 2 was never known" == _judged(*unknown)[1].measured
    assert [False, False] == [one.holds for one in _judged((0, {}))]


@pytest.mark.parametrize(("tariff", "count"), [(HC, 2), (TEMPO, 4)])
def test_colours_are_judged_where_the_contract_has_them(tariff, count):
    assert count == len(list(build_tariff_checks(tariff, ASKED)))
