from pathlib import Path

from quartier.cli.drill import reference_pages
from quartier.control.link import transitions
from quartier.control.supervise import loss_table

PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "failsafe.md"


def test_the_committed_page_is_what_the_table_says():
    assert PAGE.read_text("utf-8") == reference_pages.render_loss_page(), (
        "quartier drill --reference page > gateway/docs/failsafe.md"
    )


def test_every_loss_and_every_way_of_the_link_is_on_the_page():
    text = reference_pages.render_loss_page()

    assert all(f"### {loss.name}\n" in text and loss.action in text for loss in loss_table.LOSSES)
    assert all(f"| {row.source} | {row.target} | {row.why} |" in text for row in transitions.TRANSITIONS)
