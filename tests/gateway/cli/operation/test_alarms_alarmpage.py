from pathlib import Path

from quartier.cli.operation import alarms
from quartier.site.alarm_catalogue import ALARM_KINDS

PAGE = Path(__file__).parents[4] / "gateway" / "docs" / "alarms.md"


def test_the_committed_page_is_what_the_table_says():
    assert PAGE.read_text("utf-8") == alarms.render_alarm_page(), (
        "quartier alarms --reference > gateway/docs/alarms.md"
    )


def test_every_alarm_is_on_the_page_with_its_meaning():
    text = alarms.render_alarm_page()

    assert all(f"### {kind.code}\n" in text and kind.meaning in text for kind in ALARM_KINDS)
