import random

import pytest

from quartier_district.fleet.limit_allocation import distribute_limit, grant_limits, scale_shares


def test_shares_that_fit_stay_and_others_shrink_alike():
    assert {"a": 4.0, "b": 2.0} == scale_shares({"a": 4.0, "b": 2.0}, 6.0)
    assert {"a": 2.0, "b": 1.0} == scale_shares({"a": 4.0, "b": 2.0}, 3.0)


def test_what_the_plan_leaves_is_dealt_out_by_contract_up_to_each_contract():
    contract = {"a": 9_000.0, "b": 9_000.0, "c": 1_000.0}
    found = distribute_limit({"a": 5_000.0, "b": 1_000.0, "c": 1_000.0}, contract, 13_000.0)

    assert {"a": 8_000.0, "b": 4_000.0, "c": 1_000.0} == pytest.approx(found, abs=0.1)
    assert contract == pytest.approx(distribute_limit(dict.fromkeys(contract, 0.0), contract, 1e6), abs=0.1)


def test_plans_that_pass_the_limit_together_are_made_smaller_alike():
    assert {"a": 3_000.0, "b": 1_000.0} == pytest.approx(
        distribute_limit({"a": 6_000.0, "b": 2_000.0}, {"a": 9_000.0, "b": 9_000.0}, 4_000.0), abs=0.1
    )


def test_more_is_told_only_as_far_as_there_is_room_beside_what_the_others_may_still_hold():
    wanted = {"a": (2_000.0,), "b": (8_000.0,)}
    held = {"a": (6_000.0,), "b": (3_000.0,)}

    assert {"a": (2_000.0,), "b": (4_000.0,)} == grant_limits(wanted, held, [10_000.0])
    assert wanted == grant_limits(wanted, {**held, "a": (2_000.0,)}, [10_000.0])


@pytest.mark.parametrize("seed", range(20))
def test_whatever_was_held_before_one_word_to_each_never_lifts_the_sum_above_the_limit(seed):
    rng = random.Random(seed)
    names = "abcd"[: rng.randint(1, 4)]
    limit = 10_000.0
    held = scale_shares({name: rng.uniform(0, 9_000) for name in names}, limit)
    wanted = distribute_limit(
        {name: rng.uniform(0, 9_000) for name in names}, dict.fromkeys(names, 9_000.0), limit
    )
    told = grant_limits(
        {name: (wanted[name],) for name in names}, {name: (held[name],) for name in names}, [limit]
    )

    assert sum(max(held[name], told[name][0]) for name in names) <= limit + 1e-6
    assert all(told[name][0] <= max(wanted[name], held[name]) + 1e-6 for name in names)
    assert all(told[name][0] <= wanted[name] + 1e-6 for name in names)
