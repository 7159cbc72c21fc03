"""Number of examples that hypothesis draws: few in ``make test``, many in ``make test-deep``."""

from hypothesis import HealthCheck, settings

DEEP_FACTOR = 20
CI_SHARE = 0.6
"""``ci`` draws the same examples each time: of many, the last ones would be the same few for ever."""
MANY = 50


def register_profiles() -> None:
    """Register the hypothesis profiles ``dev``, ``ci`` and ``deep``; ``HYPOTHESIS_PROFILE`` selects one.

    ``dev`` draws new examples each time.  ``ci`` draws the same examples each time, so that a test fails only
    because of the change under test.  ``deep`` draws ``DEEP_FACTOR`` times as many; ``--hypothesis-seed`` repeats a
    run.  No profile has a deadline: a shared machine can pause for longer than any useful deadline.
    """
    slow = [HealthCheck.too_slow]
    settings.register_profile("dev", max_examples=100, deadline=None)
    settings.register_profile(
        "ci", max_examples=count_in_ci(100), deadline=None, derandomize=True, suppress_health_check=slow
    )
    settings.register_profile(
        "deep", max_examples=100 * DEEP_FACTOR, deadline=None, print_blob=True, suppress_health_check=slow
    )


def count_in_ci(count: int) -> int:
    """Return how many of ``count`` examples CI draws: all of a few, ``CI_SHARE`` of many."""
    return count if count < MANY else max(MANY, round(count * CI_SHARE))


def examples(count: int, deep: int | None = None, profile: str = "") -> settings:
    """Return the settings of one test, to use as its decorator.

    It draws ``count`` examples; in the profile ``ci`` a part of them where they are many, in the profile ``deep``
    ``deep`` of them, or ``DEEP_FACTOR`` times ``count``.  The profile is the one in force when none is given.
    """
    profile = profile or settings.get_current_profile_name()
    if profile == "deep":
        return settings(max_examples=deep or count * DEEP_FACTOR)
    return settings(max_examples=count_in_ci(count) if profile == "ci" else count)
