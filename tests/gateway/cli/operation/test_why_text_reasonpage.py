from pathlib import Path

from quartier.cli import main
from quartier.cli.operation import why_text

PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "reasons.md"


def test_the_page_is_made_from_the_table(capsys):
    assert 0 == main(["why", "--reference"])

    assert PAGE.read_text("utf-8") == capsys.readouterr().out == why_text.render_reason_page(), (
        "quartier why --reference > gateway/docs/reasons.md"
    )


def test_the_page_names_values_with_their_units():
    row = "| `cap.import` | import cap {limit_w} W ({source}) | `limit_w` (W) |"

    assert row in why_text.render_reason_page().splitlines()


def test_without_an_asset_there_is_nothing_to_tell(capsys):
    assert 2 == main(["why"])

    assert "which asset" in capsys.readouterr().err
