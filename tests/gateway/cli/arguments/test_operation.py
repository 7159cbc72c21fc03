"""The grammar of what shows the link to the district."""

import pytest

from quartier.cli import main
from quartier.cli.arguments.commands import make_parser


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["keys"], ("show", None)),
        (["keys", "check", "k.jws", "--json"], ("check", "k.jws")),
    ],
)
def test_keys_are_shown_unless_a_list_is_to_be_checked(words, expected):
    options = make_parser().parse_args(words)
    assert expected == (options.what, None if options.file is None else str(options.file))


def test_documents_are_listed_unless_one_is_named():
    assert (None, None) == ((options := make_parser().parse_args(["documents"])).name, options.write)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("override", "bat1", "1kW", "--for", "soon"),
            "is no duration; expected numbers with s, m or min, h",
        ),
        (("maintenance", "bat1"), "--for"),
        (("override", "bat1", "1kW"), "--for is missing"),
    ],
)
def test_wrong_use_is_told_what_was_expected(capsys, words, said):
    try:
        code = main(words)
    except SystemExit as left:
        code = left.code

    assert 2 == code
    assert said in capsys.readouterr().err
