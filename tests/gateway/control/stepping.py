"""Step a simulated building in synthetic time until a condition holds, and no further."""


def step_until(building, condition, most_s):
    """Step ``building`` second by second until ``condition()`` holds; return the building.

    Raises AssertionError when it does not hold within ``most_s`` seconds.
    """
    for _ in range(most_s):
        if condition():
            return building
        building.step()
    assert condition(), f"the condition did not hold within {most_s} s"
    return building


def are_all_off(building, *names):
    """Return whether every load was last commanded off; a load without a command counts as on."""
    return all(building.points.get(f"{name}.relay_on", 1.0) == 0 for name in names)


def are_all_on(building, *names):
    """Return whether every load was last commanded on, or has had no command yet."""
    return all(building.points.get(f"{name}.relay_on", 1.0) == 1 for name in names)
