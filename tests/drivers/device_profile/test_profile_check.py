"""A checked profile lists its points with their places in the file."""

from tests.drivers.device_profile.test_lint import HEAD, POWER

from quartier_drivers.device_profile.loading import parse_profile


def test_points_are_listed_with_their_place_in_the_file():
    parts = POWER.replace("points.", "parts.pv.") + POWER.replace("points.", "parts.grid.")

    assert [("points", "power_w")] == [
        path for path, _, _ in parse_profile(HEAD + POWER, "a/b", "b.toml").list_points()
    ]
    assert [(("parts", "pv", "power_w"), "power_w"), (("parts", "grid", "power_w"), "power_w")] == [
        (path, quantity) for path, quantity, _ in parse_profile(HEAD + parts, "a/b", "b.toml").list_points()
    ]
