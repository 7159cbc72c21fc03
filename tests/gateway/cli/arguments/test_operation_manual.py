import pytest

from quartier.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("override", "bat1", "1kW", "--for", "soon"),
            "is no duration; expected numbers with s, m or min, h",
        ),
        (("maintenance", "bat1"), "--for"),
        (("override", "bat1", "1kW"), "ASSET VALUE --for 2h"),
    ],
)
def test_wrong_use_is_told_what_was_expected(capsys, words, said):
    try:
        code = main(words)
    except SystemExit as left:
        code = left.code

    assert 2 == code
    assert said in capsys.readouterr().err
