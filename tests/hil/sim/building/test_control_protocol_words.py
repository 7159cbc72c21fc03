import pytest

from quartier_sim.building.control_protocol import HELP, CommandLine, parse_line, parse_number


@pytest.mark.parametrize("text", ["", "   ", "# a comment"])
def test_what_says_nothing_is_nothing(text):
    assert parse_line(text) is None


def test_a_line_is_a_verb_words_and_keys():
    assert CommandLine("fault", ("meter", "wrong"), {"factor": "-1"}) == parse_line(
        "fault meter wrong factor=-1  # sign"
    )
    assert CommandLine("expect", ("grid.power_w", "<=", "6000"), {"within": "30", "for": "60"}) == parse_line(
        "expect grid.power_w <= 6000 within=30 for=60"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("brake meter", "'brake' is no command; expected one of fault, clear"),
        ("fault meter", "fault takes other words: fault DEVICE|BUS KIND"),
        (
            "fault meter off hours=2",
            "fault has no key 'hours'; expected acts, every, factor, phases, points, seconds, seed, value, what",
        ),
        ("quit now", "quit takes other words: quit"),
    ],
)
def test_a_line_that_is_none_says_what_was_expected(text, why):
    with pytest.raises(ValueError, match=why.replace("|", r"\|")):
        parse_line(text)


def test_a_word_that_is_no_number_is_named():
    with pytest.raises(ValueError, match="within: 'soon' is no number"):
        parse_number("soon", "within")


def test_the_help_tells_every_verb():
    verbs = ["fault", "clear", "pull", "put", "plug", "unplug", "contact", "load", "sun", "soc"]
    assert all(verb in HELP.split() for verb in [*verbs, "show", "wait", "expect", "quit"])
