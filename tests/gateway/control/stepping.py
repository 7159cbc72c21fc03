"""Stepping a building in synthetic time up to what a test waits for, and no further."""


def until(building, is_so, most_s):
    """Step ``building`` until ``is_so()``, which has to be within ``most_s``; return it."""
    for _ in range(most_s):
        if is_so():
            return building
        building.step()
    assert is_so(), f"not within {most_s} s"
    return building


def off(building, *names):
    """Whether all loads of these names are told to be off."""
    return all(building.points.get(f"{name}.relay_on", 1.0) == 0 for name in names)


def on(building, *names):
    """Whether all loads of these names are told to be on, or were never told anything."""
    return all(building.points.get(f"{name}.relay_on", 1.0) == 1 for name in names)
