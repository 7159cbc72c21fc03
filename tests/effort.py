"""How many examples hypothesis draws: few in ``make test``, many in ``make test-deep``."""

from hypothesis import HealthCheck, settings

DEEP_TIMES = 20


def register_profiles() -> None:
    """Register ``dev``, ``ci`` and ``deep``.

    ``dev`` looks for new examples each time.  ``ci`` draws the same ones for the same tree, so that a change is
    judged by what it changes.  ``deep`` draws ``DEEP_TIMES`` as many; ``--hypothesis-seed`` repeats a run.
    No profile has a deadline: a shared machine stands still for longer than any that would mean something.
    """
    slow = [HealthCheck.too_slow]
    settings.register_profile("dev", max_examples=100, deadline=None)
    settings.register_profile(
        "ci", max_examples=100, deadline=None, derandomize=True, suppress_health_check=slow
    )
    settings.register_profile(
        "deep", max_examples=100 * DEEP_TIMES, deadline=None, print_blob=True, suppress_health_check=slow
    )


def examples(count: int, deep: int | None = None) -> settings:
    """Settings of one test: ``count`` examples, in the deep profile ``deep`` or ``DEEP_TIMES`` as many."""
    is_deep = settings.get_current_profile_name() == "deep"
    return settings(max_examples=(deep or count * DEEP_TIMES) if is_deep else count)
