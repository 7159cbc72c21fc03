import pytest

from quartier.cli.installer import bus_plan


@pytest.mark.parametrize(
    ("value_s", "text"),
    [(0.0, "0"), (0.0123, "12 ms"), (0.099, "99 ms"), (0.31, "0.31 s"), (2.417, "2.42 s"), (60.0, "60 s")],
)
def test_times_are_told_as_people_say_them(value_s, text):
    assert text == bus_plan.format_seconds(value_s)


@pytest.mark.parametrize(
    ("use_pct", "filled", "words"), [(0, 0, "0 %"), (50, 20, "50 %"), (240, 40, "more than there is")]
)
def test_the_bar_is_as_long_as_the_bus_is_used(use_pct, filled, words):
    bar = bus_plan.render_bar(use_pct).plain

    assert (filled, 40 - filled) == (bar.count("█"), bar.count("░"))
    assert words in bar
