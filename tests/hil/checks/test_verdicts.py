from quartier_hil.checks.verdicts import (
    BROKEN,
    KEPT,
    NO_RUN,
    NOT_SHOWN,
    Verdict,
    compute_exit_code,
    find_worst_code,
    summarize_verdicts,
)


def test_a_promise_that_was_not_put_to_the_test_is_neither_kept_nor_broken_and_the_exit_code_says_so():
    kept = Verdict("a", "p", "1 W", holds=True)
    broken = Verdict("b", "p", "9 W", holds=False)
    unshown = Verdict("c", "p", "0 W", holds=True, unshown="nothing happened")

    assert ["kept", "broken", "not shown"] == [one.result for one in (kept, broken, unshown)]
    assert ("0 W; nothing happened", False) == (unshown.words, unshown.is_kept)
    assert [KEPT, BROKEN, NOT_SHOWN] == [
        compute_exit_code([kept]),
        compute_exit_code([unshown, broken]),
        compute_exit_code([unshown, kept]),
    ]
    assert [NO_RUN, BROKEN, NOT_SHOWN, NO_RUN] == [
        find_worst_code(codes) for codes in ((3, 2), (3, 1), (0, 3), ())
    ]
    assert "1 of 3 promises kept, 1 broken, 1 not shown" == summarize_verdicts([kept, broken, unshown])
    assert unshown == Verdict.from_row(unshown.row)
    assert "not shown" == unshown.row["result"]
