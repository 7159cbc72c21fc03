from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

from quartier.cli.drill import reference_pages
from quartier.config.sections.site_file import ControlSection, LimitsSection, StoreSection
from quartier.control.link import transitions
from quartier.control.link.state import LinkMode
from quartier.control.supervise import loss_table

PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "failsafe.md"


def test_the_committed_page_is_what_the_table_says():
    assert PAGE.read_text("utf-8") == reference_pages.render_loss_page(), (
        "quartier drill --reference page > gateway/docs/failsafe.md"
    )


def test_the_times_of_the_page_are_those_of_a_site_with_the_default_periods():
    periods = loss_table.SitePeriods()

    assert periods.cycle_s == ControlSection.model_fields["cycle_s"].default
    assert periods.heartbeat_timeout_s == LimitsSection.model_fields["heartbeat_timeout_s"].default
    assert periods.commit_s == StoreSection.model_fields["commit_s"].default
    assert "2 commits of the history + 1 cycle (21 s)" in reference_pages.render_loss_page()


def test_every_loss_and_every_way_of_the_link_is_on_the_page():
    text = reference_pages.render_loss_page()

    assert all(f"### {loss.name}\n" in text and loss.action in text for loss in loss_table.LOSSES)
    assert all(f"| {row.source} | {row.target} | {row.why} |" in text for row in transitions.TRANSITIONS)


PICTURE = Path(__file__).parents[4] / "gateway" / "docs" / "link-states.svg"
SVG = "{http://www.w3.org/2000/svg}"


def test_the_committed_picture_is_what_the_rows_say():
    hint = "quartier drill --reference picture > gateway/docs/link-states.svg"

    assert PICTURE.read_text("utf-8") == reference_pages.render_link_picture(), hint


def test_every_state_is_drawn_and_every_row_has_its_number_once_on_an_arrow_and_once_below():
    texts = Counter(
        text.text for text in ET.fromstring(reference_pages.render_link_picture()).iter(f"{SVG}text")
    )

    assert dict.fromkeys(LinkMode, 1) == {mode: texts[mode] for mode in LinkMode}
    assert {2} == {texts[str(number)] for number in range(1, len(transitions.TRANSITIONS) + 1)}


def test_there_is_one_arrow_for_each_pair_of_states_that_a_row_joins():
    arrows = [
        path
        for path in ET.fromstring(reference_pages.render_link_picture()).iter(f"{SVG}path")
        if path.get("marker-end")
    ]

    assert len({(row.source, row.target) for row in transitions.TRANSITIONS}) == len(arrows)
